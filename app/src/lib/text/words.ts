import type { ApprovalInfo, ErrorCode } from "../protocol/generated";
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
      return subject.plan.split("\n").find((line) => line.trim() !== "")?.replace(/^#+\s*/, "") ?? "";
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
  switch (subject.kind) {
    case "file":
      return t.kinds.asked(approval.requestedBy ?? agent, t.kinds.toFile[subject.operation]);
    case "git":
      return t.kinds.asked(approval.requestedBy ?? agent, t.kinds.toGit[subject.operation]);
    default:
      return `${agent} ${t.kinds.wants[subject.kind]}`;
  }
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
