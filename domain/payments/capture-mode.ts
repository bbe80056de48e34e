/** How money of a card is taken, as a setting of the route: by brand, method and currency. */

/** When a route takes money: at once, by one capture of staff, or by several ("in parts", where the PSP can). */
export const captureModes = ['automatic', 'manual', 'in-parts'] as const;
export type CaptureMode = (typeof captureModes)[number];

export function captureModeOf(text: string): CaptureMode {
  const mode = captureModes.find((known) => known === text);
  if (mode === undefined) throw new Error(`Invariant broken: capture mode ${text}`);
  return mode;
}
