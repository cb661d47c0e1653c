import type { MachineLogLevel, MachineLogLine, Requests } from "$lib/protocol/generated";
import type { MockState } from "./mock-machine";
import type { Some } from "./mock-project-files";

const ORDER: readonly MachineLogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** A machine with room left, and a log of an ordinary hour. */
export function statusAnswers(state: MockState): Some<Extract<keyof Requests, "machine_status" | "machine_logs">> {
  const at = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
  const line = (
    seconds: number,
    level: MachineLogLevel,
    category: string,
    message: string,
    error: string | null = null,
  ): MachineLogLine => ({ at: at(seconds), level, category, event: 1, message, error });
  const lines = [
    line(4000, "info", "PocketCoder.Machine.Daemon", "listening at https://192.168.1.20:17334"),
    line(3900, "info", "PocketCoder.Machine.Connections", "device Pixel connected"),
    line(1200, "warn", "PocketCoder.Machine.Files", "no more watches: api is looked through every two seconds"),
    line(600, "debug", "PocketCoder.Sandboxes", "sandbox of api: 3 processes, 214 MiB"),
    line(
      300,
      "error",
      "PocketCoder.Machine.Git",
      "a transfer failed",
      "PocketCoder.Git.GitException: ssh: connect to host git.example.com port 22: Connection timed out\n   at PocketCoder.Git.Running.GitRunner.RunAsync(GitCommand command)",
    ),
    line(20, "info", "PocketCoder.Machine.Sessions", "turn of “Fix the login” completed in 41 s"),
  ];
  return {
    machine_status: () => ({
      machine: state.machine,
      pid: 4211,
      startedAt: at(93_000),
      now: at(0),
      listen: ["https://192.168.1.20:17334", "https://127.0.0.1:17334"],
      sessionsWorking: state.sessions.filter((session) => session.state === "working").length,
      devicesConnected: state.devices.filter((device) => device.connected).length,
      devicesPaired: state.devices.filter((device) => device.revokedAt === null).length,
      daemonBytes: 143_000_000,
      memoryTotal: 16_700_000_000,
      memoryAvailable: 5_100_000_000,
      processors: 8,
      load: 1.37,
      diskTotal: 512_000_000_000,
      diskFree: 31_000_000_000,
    }),
    machine_logs: ({ lines: most = 200, level = "trace" }) => {
      const fitting = lines.filter((one) => ORDER.indexOf(one.level) >= ORDER.indexOf(level));
      return { lines: fitting.slice(-most), more: fitting.length > most };
    },
  };
}
