using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that change the machine or what runs on it.</summary>
internal static class Systems
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("kill pkill killall skill xkill", Kill, Traits.OwnCheck);
        programs.Add("systemctl service rc-service initctl launchctl sv supervisorctl pm2", Service, Traits.OwnCheck);
        programs.Add("journalctl dmesg", Log);
        programs.Add("docker podman nerdctl", Docker, Traits.OwnCheck);
        programs.Add("docker-compose podman-compose buildah skopeo ctr crictl lxc incus virsh vagrant multipass minikube kind k3s",
            static call => Remote(call, "Controls containers or machines"), Traits.OwnCheck);
        programs.Add("kubectl helm oc terraform tofu pulumi ansible ansible-playbook aws az gcloud doctl flyctl fly heroku vercel netlify wrangler firebase supabase eksctl",
            Cloud, Traits.OwnCheck);
        programs.Add("crontab", Crontab, Traits.OwnCheck);
        programs.Add("at batch anacron", static call =>
        {
            call.Report.Unseen();
            call.System($"Schedules commands for later: {call.Shown}");
        }, Traits.OwnCheck);
        programs.Add("shutdown reboot halt poweroff init telinit",
            static call => call.System($"Stops or restarts the machine: {call.Shown}"), Traits.OwnCheck);
        programs.Add("mount umount losetup swapon swapoff fdisk sfdisk cfdisk parted gdisk sgdisk wipefs blkdiscard hdparm mkswap lvremove vgremove pvremove lvcreate cryptsetup zpool zfs btrfs mdadm e2fsck fsck tune2fs resize2fs badblocks debugfs",
            static call => call.System($"Works on disks or file systems: {call.Shown}"), Traits.OwnCheck);
        programs.Add(
            "useradd userdel usermod groupadd groupdel groupmod passwd chpasswd visudo adduser deluser addgroup chsh gpasswd newgrp vipw",
            static call => call.System($"Changes accounts: {call.Shown}"), Traits.OwnCheck);
        programs.Add("sysctl insmod rmmod modprobe setcap setenforce update-alternatives ldconfig hwclock timedatectl hostnamectl localectl loginctl grub-install update-grub efibootmgr depmod update-initramfs dpkg-reconfigure bpftool apparmor_parser swaplabel",
            static call => call.System($"Changes the system: {call.Shown}"), Traits.OwnCheck);
        programs.Add("security defaults launchd dscl spctl csrutil diskutil pmset",
            static call => call.System($"Changes the system: {call.Shown}"), Traits.OwnCheck);
        programs.Add("xdg-open open gnome-open start",
            static call => call.RunsCode(call.Shown, $"Opens something with its default program: {call.Shown}"), Traits.OwnCheck);
        programs.Add("xclip xsel pbcopy pbpaste wl-copy wl-paste", static call => call.Report.Add(
            ConsequenceKind.ReadsSecret, "clipboard", "Reads or changes the clipboard.", RiskTier.ReachesOut), Traits.OwnCheck);
        programs.Add("claude codex opencode gemini aider cursor-agent pocketcoder", static call => call.RunsCode(
            call.Shown, $"Starts or controls another agent: {call.Shown}", RiskTier.Destructive), Traits.OwnCheck);
    }

    private static void Kill(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "-l" or "-L" or "--list" or "--table" }, ..])
        {
            return;
        }

        ProgramTable.CheckArguments(call, anyOptions: true);
        call.Report.CannotBeUndone();
        call.Report.Add(ConsequenceKind.Process, call.Shown, $"Stops or signals processes: {call.Shown}", RiskTier.Destructive);
    }

    private static void Service(Invocation call)
    {
        if (call.Args.All(a => a.Exact) && call.Operands() is [
            {
                Text: "status" or "is-active" or "is-enabled" or "is-failed"
            or "list-units" or "list-unit-files" or "list-timers" or "show" or "cat" or "list" or "list-sockets"
            }, ..]
            && call.Name is "systemctl" or "launchctl" && !call.Has("-H", "--host", "-M", "--machine"))
        {
            return;
        }

        call.System($"Changes the machine's services: {call.Shown}");
    }

    private static void Log(Invocation call)
    {
        if (call.Has("--vacuum-size", "--vacuum-time", "--vacuum-files", "--rotate", "--flush", "--clear", "-C", "-c", "--setup-keys",
            "--console-off", "--console-on", "--console-level", "-D", "-E", "-n_"))
        {
            call.System($"Changes or clears the system's log: {call.Shown}");
        }
    }

    private static void Docker(Invocation call)
    {
        var words = call.Operands("Hcl", "--host", "--context", "--log-level", "--config");
        if (call.Args.All(a => a.Exact) && !call.Has("-H", "--host", "--context", "--config") && words is [
            {
                Text: "ps" or "images"
            or "version" or "info" or "inspect" or "top" or "port" or "stats" or "history" or "diff"
            }, ..])
        {
            return;
        }

        if (call.Args.All(a => a.Exact) && words is [{ Text: "logs" }, ..])
        {
            return;
        }

        call.System($"Controls containers, which can change the whole machine: {call.Shown}");
        call.RunsUnseen(call.Shown, $"Runs or builds an image: {call.Shown}", RiskTier.Destructive);
    }

    private static void Remote(Invocation call, string what)
    {
        call.System($"{what}: {call.Shown}");
        call.Report.Unseen();
        call.Unknown($"The effect is not analysed: {call.Shown}");
    }

    private static void Cloud(Invocation call)
    {
        call.Report.CannotBeUndone();
        call.Reaches(call.Name, "as the logged-in user");
        if (call.Args.Any(a => a.Text is "exec" or "run" or "debug" or "ssh" or "local-exec"))
        {
            call.Report.Unseen();
        }

        var looks = call.Args.All(a => a.Exact) && call.Operands("n",
            "--namespace") is [{ Text: "get" or "describe" or "logs" or "version" or "list" or "plan" or "validate" or "fmt" or "show" },
            ..] && call.Name is "kubectl" or "helm" or "terraform" or "tofu" or "oc";
        call.Report.Unknown(call.Shown, $"Acts on remote machines: {call.Shown}", tier: looks ? RiskTier.ReachesOut : RiskTier.Destructive);
    }

    private static void Crontab(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "-l" }])
        {
            return;
        }

        call.Report.Unseen();
        call.System($"Changes scheduled commands: {call.Shown}");
        call.Report.Add(ConsequenceKind.RunsLater, "crontab", "Its commands run later, without a question.", RiskTier.Destructive);
    }
}
