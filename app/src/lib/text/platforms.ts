import { t } from "../strings/all";

/** A chat platform as people call it; one that this version does not know, by its own word, which may be anything. */
export function platformName(platform: string): string {
  return Object.hasOwn(t.you.platforms, platform) ? (t.you.platforms[platform] ?? platform) : platform;
}
