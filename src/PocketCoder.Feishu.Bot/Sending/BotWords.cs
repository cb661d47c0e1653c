using System.Globalization;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>What the bot says beside its cards.</summary>
internal enum BotWord
{
    /// <summary>To somebody who is not paired.</summary>
    NotPaired,

    /// <summary>The same in a few words, over a card.</summary>
    NotPairedShort,

    /// <param>The name.</param>
    Paired,
    TooLong,
    OtherKind,

    /// <param>How many MiB.</param>
    FileTooLong,

    /// <summary>For the person's next prompt.</summary>
    FilesWait,
    OldCard,
    UsedCard,

    /// <summary>In a group.</summary>
    NoProject,
    HasGroup,
    Unbound,
    NotYourGroup,
    RoleUsage,
    RoleNotYours,

    /// <summary>Of who bound the group.</summary>
    RoleOfOwner,

    /// <param>How many.</param>
    RolesFull,

    /// <summary>Before somebody's own role, before everybody's, and where there is none.</summary>
    RoleYou,
    RoleEveryone,
    RoleOwnRights,
    ProjectGone,
    GroupGone,

    /// <summary>The project is there already.</summary>
    /// <param>The project's name.</param>
    /// <param>The platform's reason.</param>
    GroupRefused,

    /// <summary>The project was made for it.</summary>
    /// <inheritdoc cref="GroupRefused"/>
    GroupRefusedNew,

    /// <param>The group's project.</param>
    InGroup,
    NoAgent,

    /// <summary>What agents call how they ask, and how much they think.</summary>
    Mode,
    Effort,

    /// <param>What was chosen.</param>
    NoSetting,
    NoFolder,

    /// <summary>What was typed leads nowhere beneath a project's root.</summary>
    BadFolder,

    /// <param>How many.</param>
    NoPreset,
    FirstOfTwo,
    PresetsFull,
    NeedsGroup,
    SessionGone,
    NothingRuns,

    /// <summary>A session of the project that is to be deleted.</summary>
    StillWorks,

    /// <param>How many.</param>
    NotOneApproval,

    /// <summary>Said into the turn that runs.</summary>
    Steered,

    /// <summary>It was over: it waits.</summary>
    SteerQueued,
    Failed,
    Commands,
}

internal static class BotWords
{
    private static readonly Dictionary<BotWord, (string English, string Chinese)> s_words = new()
    {
        [BotWord.NotPaired] = (
            "You are not paired with this machine. Ask its owner for a code (pocketcoder feishu pair) and send it to me here: pair CODE",
            "您尚未与此机器配对。请向机器所有者索取配对码（pocketcoder feishu pair），然后在此发送：pair 配对码"),
        [BotWord.NotPairedShort] = ("You are not paired with this machine.", "您尚未与此机器配对。"),
        [BotWord.Paired] = ("You are paired as {0}.", "您已配对，名称为 {0}。"),
        [BotWord.TooLong] = ("This message is too long: at most 50,000 bytes. Nothing was done.", "消息过长（最多 50,000 字节），未执行任何操作。"),
        [BotWord.OtherKind] = (
            "I take text, images and files only. Nothing was done.", "仅支持文本、图片和文件，未执行任何操作。"),
        [BotWord.FileTooLong] = ("A file has at most {0} MiB. Nothing was done.", "文件最大 {0} MiB，未执行任何操作。"),
        [BotWord.FilesWait] = ("It goes with your next prompt here.", "将随您在此处的下一条提示一起发送。"),
        [BotWord.OldCard] = ("That card is too old. Use the newest one.", "该卡片已过期，请使用最新的卡片。"),
        [BotWord.UsedCard] = ("That was done already.", "该操作已执行过。"),
        [BotWord.NoProject] = (
            "No project belongs to this group. Bind one here: /bind PROJECT. Or write to me directly, and give a project a group of its own.",
            "此群未绑定项目。在此绑定：/bind 项目；或私聊我，为项目新建群。"),
        [BotWord.HasGroup] = (
            "This project has a group already. Write /unbind there first.", "该项目已有群，请先在那里发送 /unbind。"),
        [BotWord.Unbound] = ("This group belongs to no project any more.", "此群不再属于任何项目。"),
        [BotWord.NotYourGroup] = (
            "Only who bound this group, or somebody who may manage projects, can unbind it.", "只有绑定者或可管理项目的人才能解除绑定。"),
        [BotWord.RoleUsage] = (
            "/role @PERSON ROLE or /role everyone ROLE. ROLE is viewer, operator, admin, none, or of view prompt decide manage those you name.",
            "/role @成员 角色，或 /role everyone 角色。角色：viewer、operator、admin、none，或 view prompt decide manage 中的若干项。"),
        [BotWord.RoleNotYours] = (
            "Only who bound this group, or somebody who may manage projects, can give roles.", "只有绑定者或可管理项目的人才能设置角色。"),
        [BotWord.RoleOfOwner] = ("Who bound this group has no role here: the machine's owner says what they may do.", "绑定者没有群角色，其权限由机器所有者决定。"),
        [BotWord.RolesFull] = ("At most {0} people of a group have a role of their own.", "一个群最多可为 {0} 人单独设置角色。"),
        [BotWord.RoleYou] = ("You", "您"),
        [BotWord.RoleEveryone] = ("Everyone else", "其他人"),
        [BotWord.RoleOwnRights] = ("their own rights", "各自的权限"),
        [BotWord.ProjectGone] = ("This project is not registered on the machine any more.", "该项目已不在此机器上。"),
        [BotWord.GroupGone] = ("The project's group can't be reached. Bind a new one.", "无法访问该项目的群，请重新绑定。"),
        [BotWord.GroupRefused] = (
            "The platform made no group for “{0}”: {1} The app needs im:chat:create in a published version. Then press “Bind a group” again.",
            "平台未能为“{0}”创建群：{1} 请确认应用已开通 im:chat:create 权限并发布版本，然后重新绑定群。"),
        [BotWord.GroupRefusedNew] = (
            "“{0}” was made, but no group for it: {1} The app needs im:chat:create in a published version. Then open it: “Bind a group”.",
            "项目“{0}”已创建，但平台未能为其创建群：{1} 请确认应用已开通 im:chat:create 权限并发布版本，然后打开该项目并绑定群。"),
        [BotWord.InGroup] = ("The workspace is in the group “{0}”.", "工作区已发送到群“{0}”。"),
        [BotWord.NoAgent] = ("No agent is installed on the machine.", "此机器上没有可用的智能体。"),
        [BotWord.Mode] = ("Mode", "模式"),
        [BotWord.Effort] = ("Effort", "思考强度"),
        [BotWord.NoSetting] = ("The agent has no “{0}”.", "此智能体没有“{0}”。"),
        [BotWord.NoFolder] = (
            "The owner has not allowed a folder for new projects yet: pocketcoder roots add FOLDER", "所有者尚未允许新建项目的目录：pocketcoder roots add 目录"),
        [BotWord.NoPreset] = ("This preset is not kept any more. These are.", "该预设目录已不存在，现有预设如下。"),
        [BotWord.FirstOfTwo] = (
            "Two people must allow this, and you are the first. Somebody else has to allow it, too.", "此项须由两人允许，您是第一位，还须另一人允许。"),
        [BotWord.PresetsFull] = ("A project has at most {0} presets here. Remove one first.", "每个项目最多 {0} 个预设目录，请先移除一个。"),
        [BotWord.NeedsGroup] = (
            "That is for the project's group, and it has none yet. Press “Bind group”.", "此操作用于项目的群，该项目尚未绑定群，请先绑定。"),
        [BotWord.BadFolder] = (
            "Write a folder beneath the project's root, such as packages/web, or / for the root.",
            "请输入项目根目录下的文件夹，例如 packages/web；/ 表示根目录。"),
        [BotWord.SessionGone] = ("The session is gone. Your next message begins a new one.", "会话已不存在，下一条消息将开始新会话。"),
        [BotWord.NothingRuns] = ("Nothing runs here.", "当前没有正在运行的任务。"),
        [BotWord.StillWorks] = ("A session of this project works. Stop it first.", "此项目有会话正在运行，请先停止。"),
        [BotWord.NotOneApproval] = (
            "{0} approvals with this digest wait here. Write at least its first 8 digits.", "匹配该摘要的待审批项有 {0} 个，请输入至少前 8 位。"),
        [BotWord.Steered] = ("The agent has heard it.", "已发送给正在运行的任务。"),
        [BotWord.SteerQueued] = ("The turn was over, so it waits as a prompt.", "任务已结束，已作为新提示排队。"),
        [BotWord.Failed] = ("That failed on the machine. Its log says why.", "机器上执行失败，详见日志。"),
        [BotWord.Commands] = (
            "/status · /stop · /approve DIGEST · /reject DIGEST · /run PROMPT · /role · /unbind · /help",
            "/status · /stop · /approve 摘要 · /reject 摘要 · /run 提示 · /role · /unbind · /help"),
    };

    public static string In(CardLanguage language, BotWord word, params object[] parts)
        => string.Format(
            CultureInfo.InvariantCulture, language == CardLanguage.Chinese ? s_words[word].Chinese : s_words[word].English, parts);
}
