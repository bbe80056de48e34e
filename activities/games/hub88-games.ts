/** One game of a Hub88 or Caleta catalogue in our words. */
import { z } from 'zod';
import { shortText } from './provider-call.ts';
import type { ProviderGame } from './providers.ts';

/** Pictures are decoration: one that is no address is left out, the game is not. */
export const imageAddress = z
  .url({ protocol: /^https?$/ })
  .max(1_024)
  .regex(/^[\x21-\x7e]+$/)
  .nullish()
  .catch(null)
  .transform((url) => url ?? null);

const flag = z.boolean().nullish().catch(null);

const listedGame = z.object({
  game_code: shortText,
  name: shortText,
  category: shortText,
  product: shortText.nullish(),
  enabled: z.boolean().default(true),
  url_thumb: imageAddress,
  url_background: imageAddress,
  platforms: z.array(z.string().max(40)).max(20).nullish(),
  blocked_countries: z.array(shortText.max(8)).max(300).nullish(),
  demo_game_support: flag,
  freebet_support: flag,
});

const platformNames: Readonly<Record<string, 'desktop' | 'mobile'>> = {
  GPL_DESKTOP: 'desktop',
  GPL_MOBILE: 'mobile',
};

/** Hub88 has no flag for live games; its categories say it. */
const liveWord = /\blive\b/i;

/** Null for an entry that has no code, name or category, or whose blocked countries cannot be read. */
export function hub88Game(entry: unknown): ProviderGame | null {
  const parsed = listedGame.safeParse(entry);
  if (!parsed.success) return null;
  const game = parsed.data;
  return {
    code: game.game_code,
    title: game.name,
    category: game.category,
    provider: game.product ?? null,
    producer: null,
    live: liveWord.test(game.category),
    imageUrl: game.url_thumb,
    backgroundUrl: game.url_background,
    platforms: (game.platforms ?? []).flatMap((name) => platformNames[name] ?? []),
    blockedCountries: (game.blocked_countries ?? []).map((country) => country.toUpperCase()),
    hasDemo: game.demo_game_support ?? null,
    hasFreeRounds: game.freebet_support ?? null,
    enabled: game.enabled,
    releasedAtMs: null,
    recalledAtMs: null,
  };
}
