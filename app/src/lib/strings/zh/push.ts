import type { PushWords } from "../push";

/** The words of notifications, in Simplified Chinese. */
export const push: PushWords = {
  app: "PocketCoder",
  generic: "您的机器上有新情况。打开应用查看。",
  asks: {
    permission: "需要审批",
    mcp_request: "需要审批：工具",
    question: "有一个问题要问您",
    plan: "有一个计划请您查看",
  },
  tiers: { read: "只读", workspace_write: "更改项目", reaches_out: "访问外部", destructive: "破坏性" },
  sandboxes: { none: "无沙箱", bubblewrap: "沙箱中", docker: "沙箱中（Docker）", landlock: "受限沙箱" },
  folder: (path: string) => `位于 ${path}`,
  done: "已完成",
  failed: "因错误停止",
  waiting: (n: number) => `有 ${n} 项审批等待您处理`,
  others: (n: number) => `另有 ${n} 项等待您处理`,
  test: "通知可以正常使用",
  from: (machine: string) => `来自 ${machine}`,
  outcomes: { allowed: "已允许", denied: "已拒绝", over: "已不再需要" },
  elsewhere: "已在别处决定，或已结束",
  actions: { allow: "允许一次", deny: "拒绝" },
  sending: { allow: "正在允许…", deny: "正在拒绝…" },
  sendingHow: "正在向机器核对内容，然后签名。",
  recorded: { allow: "已允许：已记录", deny: "已拒绝：已记录" },
  decided: { allow: "未能允许", deny: "未能拒绝" },
  why: {
    over: "它已有决定，或不再等待。",
    changed: "机器上的内容与这里显示的不同。请打开应用阅读。",
    may_not: "此设备不可作决定。打开应用了解原因。",
    alarm: "机器的账本不是此设备所知的那一份。请打开应用。",
    unreachable: "无法连接到机器，什么都没有发送。请打开应用作决定。",
    unanswered: "已发送，但机器尚未回应。请打开应用：它会再次发送同一决定，只计一次。",
    begun: "此设备已在应用中作了决定。打开应用查看进度。",
    refused: (code: string) => `机器拒绝了（${code}）。请打开应用。`,
  },
};
