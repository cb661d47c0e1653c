import type { ApprovalInfo, ErrorCode, RiskTier } from "../protocol/generated";
import { RequestError } from "../client/errors";
import type { IconName } from "../../components/icons";
import { t } from "../strings";

/** One line that says what an approval is about, for lists; the decision itself always shows the whole. */
export function summary(approval: ApprovalInfo): string {
  const { subject } = approval;
  switch (subject.kind) {
    case "command":
      return subject.command;
    case "edit":
      return subject.path;
    case "tool":
      return subject.tool;
    case "job_input":
      return `${subject.job}: ${subject.text}`;
    case "question":
      return subject.questions[0]?.text ?? "";
    case "plan":
      return (
        subject.plan
          .split("\n")
          .find((line) => line.trim() !== "")
          ?.replace(/^#+\s*/, "") ?? ""
      );
    case "network":
      return `${subject.host}:${subject.port}`;
    case "prompt":
      return subject.text.split("\n").find((line) => line.trim() !== "") ?? "";
    case "file":
      return subject.to ? `${subject.path} → ${subject.to}` : subject.path;
    case "git":
      return `${subject.remote} ${subject.refs.map((ref) => shortRef(ref.name)).join(", ")}`;
  }
}

/** A risk tier's icon and colour, the same wherever it is shown. Reading is neutral: green is for what was allowed. */
export function riskMark(tier: RiskTier): { readonly icon: IconName; readonly tone: "" | "blue" | "amber" | "red" } {
  switch (tier) {
    case "read":
      return { icon: "eye", tone: "" };
    case "workspace_write":
      return { icon: "file-pen", tone: "blue" };
    case "reaches_out":
      return { icon: "globe", tone: "amber" };
    case "destructive":
      return { icon: "triangle-alert", tone: "red" };
  }
}

export function kindIcon(approval: ApprovalInfo): IconName {
  const { subject } = approval;
  switch (subject.kind) {
    case "command":
      return "terminal";
    case "edit":
      return subject.creates ? "file-plus" : "file-pen";
    case "tool":
      return "wrench";
    case "job_input":
      return "terminal";
    case "question":
      return "message-circle-question-mark";
    case "plan":
      return "clipboard-list";
    case "network":
      return "globe";
    case "prompt":
      return "message-circle-question-mark";
    case "file":
      return "key-round";
    case "git":
      return "git-branch";
  }
}

/** What an approval's heading says: who wants what. */
export function wants(approval: ApprovalInfo, agent: string): string {
  const { subject } = approval;
  const who = asker(approval, agent);
  switch (subject.kind) {
    case "file":
      return t.kinds.asked(who, t.kinds.toFile[subject.operation]);
    case "git":
      return t.kinds.asked(who, t.kinds.toGit[subject.operation]);
    default:
      return `${who} ${t.kinds.wants[subject.kind]}`;
  }
}

/** Who asks: an agent by its name and that of its sub-agent, a person by the device. */
export function asker(approval: ApprovalInfo, agent: string): string {
  const { kind } = approval.subject;
  if (kind === "file" || kind === "git") return approval.requestedBy ?? agent;
  return approval.subAgent ? t.kinds.subAgent(agent, approval.subAgent) : agent;
}

/** A ref as people say it. */
export function shortRef(name: string): string {
  return name.replace(/^refs\/(heads|tags|remotes)\//, "");
}

/** Who decided, in words. */
export function decider(by: string): string {
  return t.approval.by[by] ?? by;
}

/** What to tell a person about a failed request: our words for the code, which say what to do next. */
export function explain(error: unknown): string {
  if (error instanceof RequestError) return t.errors[error.code];
  return error instanceof Error ? error.message : String(error);
}

export function explainCode(code: string, message: string): string {
  return (t.errors as Record<string, string>)[code as ErrorCode] ?? message;
}
