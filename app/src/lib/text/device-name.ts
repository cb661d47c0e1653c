/** A name to start from, from what the browser says of itself: "Chrome on Android". */
export function guessDeviceName(agent: string): string {
  const system = /iPhone/.test(agent)
    ? "iPhone"
    : /iPad/.test(agent)
      ? "iPad"
      : /Android/.test(agent)
        ? "Android"
        : /Mac OS X/.test(agent)
          ? "Mac"
          : /Windows/.test(agent)
            ? "Windows"
            : /Linux|X11/.test(agent)
              ? "Linux"
              : "";
  const browser = /Firefox|FxiOS/.test(agent)
    ? "Firefox"
    : /Edg/.test(agent)
      ? "Edge"
      : /Chrome|CriOS/.test(agent)
        ? "Chrome"
        : /Safari/.test(agent)
          ? "Safari"
          : "Browser";
  return system === "" ? browser : `${browser} on ${system}`;
}
