const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const WORDS = 3;

/**
 * The first 48 bits of a machine's id as three words that can be said: proquints (Daniel S. Wilkerson, arXiv:0901.4016), five letters for 16 bits. For comparing
 * by eye and ear when a device is paired; docs/channel.md says what that is worth. `machineId`: 32 hexadecimal digits.
 */
export function machineWords(machineId: string): string {
  return Array.from({ length: WORDS }, (_, at) => {
    const bits = parseInt(machineId.slice(4 * at, 4 * at + 4), 16);
    return [
      CONSONANTS[bits >> 12],
      VOWELS[(bits >> 10) & 3],
      CONSONANTS[(bits >> 6) & 15],
      VOWELS[(bits >> 4) & 3],
      CONSONANTS[bits & 15],
    ].join("");
  }).join("-");
}
