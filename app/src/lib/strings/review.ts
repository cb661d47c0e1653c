import { catalogue } from "./language";
import { counted } from "./plural";

/** The words of the review of all that waits, which comes later than the first load. */
const english = {
  title: "Review",
  position: (at: number, of: number) => `${at} of ${of}`,
  back: "Back to inbox",
  previous: "Previous",
  skip: "Skip",
  next: "Next",
  doneTitle: "All decided",
  doneText: "Nothing waits for you.",
  doneKnown: "All that is known here is decided",
  leftTitle: (n: number) => counted(n, { one: "approval still waits", other: "approvals still wait" }),
  leftText: "You passed them over, or they arrived meanwhile.",
  /** Of one machine, which is not connected. */
  leftAway: (n: number, name: string) => `${n} on ${name}, which is not connected.`,
  again: (n: number) => `Review ${n}`,
  gone: (n: number) => `${counted(n, { one: "approval was", other: "approvals were" })} decided elsewhere or closed`,
  arrived: "New approvals joined at the end.",
  allowed: "Allowed",
  denied: "Denied",
  on: (said: string, name: string) => `${said} on ${name}`,
  barred: (name: string) => `${name} is not connected. This can't be decided until it is back, and may be over by then.`,
  left: (name: string) => `${name} is not connected. Skip its approvals, or wait.`,
  returned: (name: string) => `${name} is connected again.`,
  takeBack: "Take back",
  takenBack: "Taken back. It was not sent, and waits again.",
  swipeHint: "Swipe a row to the left to deny, a read-only one to the right to allow.",
  swipe: { allow: "Allow", deny: "Deny" },
  release: { allow: "Release to allow", deny: "Release to deny" },
  cannot: {
    sent: "It was sent to the machine and can't be taken back.",
    running: "It is recorded and can't be taken back. Stop its turn in the session.",
    over: "It is recorded. There is nothing to undo.",
    none: "You have not decided anything in this review yet.",
  },
};

export const r: typeof english = catalogue("review", english);
