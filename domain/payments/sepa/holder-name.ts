/** Whether the name on a transfer is the player's: banks write it in any order, plainly, with titles and second names. */
import { sepaText } from './sepa-text.ts';

const words = (text: string): readonly string[] =>
  sepaText(text, 140)
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

/** True when every word of the last name and the first of the first names stand in it. */
export function isSameHolder(
  told: string | null,
  player: { readonly firstName: string; readonly lastName: string },
): boolean {
  if (told === null) return false;
  const given = new Set(words(told));
  const [first] = words(player.firstName);
  const last = words(player.lastName);
  return first !== undefined && last.length > 0 && given.has(first) && last.every((word) => given.has(word));
}
