/** Catalogues of a8r aggregators in our words: the v2 answer with its providers, and the v1 file of plain entries. */
import { parse } from 'yaml';
import { z } from 'zod';
import { imageAddress } from './hub88-games.ts';
import { shortText } from './provider-call.ts';
import type { GameList, ProviderGame } from './providers.ts';

const gamesMax = 20_000;
const gameCode = shortText.regex(/^[^:]+:.+$/);

/** `provider:game` names its provider. */
export const providerOf = (game: string): string => game.split(':')[0] ?? '';

const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => Date.parse(text))
  .nullish();

const picture = z.string().min(1).max(1_024);

const v2Game = z.object({
  id: gameCode,
  title: shortText,
  provider: shortText.nullish(),
  producer: shortText.nullish(),
  category: shortText,
  live: z.boolean().nullish(),
  // Names of sizes differ from aggregator to aggregator, so the first pictures are taken, whatever they are called.
  images: z
    .union([z.array(picture).max(50), z.record(z.string().max(100), picture)])
    .nullish()
    .catch(null),
  released_at: instant,
  recalled_at: instant,
});

const v2List = z.object({
  providers: z
    .array(
      z.object({
        name: shortText,
        image_assets: z.object({ base_url: imageAddress }).nullish().catch(null),
        games: z.array(z.unknown()).max(gamesMax),
      }),
    )
    .max(1_000),
});

/** Null when the answer is no list at all. */
export function a8rGamesOf(answer: unknown): GameList | null {
  const list = v2List.safeParse(answer);
  if (!list.success) return null;
  const games = list.data.providers.flatMap(({ name, image_assets: assets, games: entries }) =>
    entries.map((entry) => fromV2(entry, name, assets?.base_url ?? null)),
  );
  return games.length > gamesMax ? null : listOf(games);
}

function fromV2(entry: unknown, provider: string, imageBase: string | null): ProviderGame | null {
  const parsed = v2Game.safeParse(entry);
  if (!parsed.success) return null;
  const game = parsed.data;
  const pictures = Object.values(game.images ?? {});
  return {
    ...silentParts,
    code: game.id,
    title: game.title,
    category: game.category,
    provider: game.provider ?? provider,
    producer: game.producer ?? null,
    live: game.live ?? false,
    imageUrl: pictureAt(pictures[0], imageBase),
    backgroundUrl: pictureAt(pictures[1], imageBase),
    releasedAtMs: game.released_at ?? null,
    recalledAtMs: game.recalled_at ?? null,
  };
}

/** What these catalogues do not say. */
const silentParts = {
  platforms: [] as const,
  blockedCountries: [] as const,
  hasDemo: null,
  hasFreeRounds: null,
  enabled: true,
  imageUrl: null,
  backgroundUrl: null,
  releasedAtMs: null,
  recalledAtMs: null,
};

/** An address by itself, or a path below the provider's base; anything else is no picture. */
function pictureAt(path: string | undefined, base: string | null): string | null {
  if (path === undefined) return null;
  const address = /^https?:\/\//.test(path)
    ? path
    : `${base?.replace(/\/$/, '') ?? ''}/${path.replace(/^\//, '')}`;
  return imageAddress.parse(address);
}

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String).pipe(shortText);

const v1Game = z.object({
  title: text,
  identifier: gameCode,
  provider: text.nullish(),
  producer: text.nullish(),
  category: text.default('slots'),
  has_freespins: z.boolean().nullish(),
  has_live: z.boolean().nullish(),
  devices: z.array(z.string().max(40)).max(20).nullish().catch(null),
});

/** Null when the text is no YAML list. Aliases are refused: a few of them can grow to any size. */
export function a8rFileOf(source: string): GameList | null {
  let entries: unknown;
  try {
    entries = parse(source, { maxAliasCount: 0, uniqueKeys: true, logLevel: 'silent' });
  } catch {
    return null;
  }
  const list = z.array(z.unknown()).max(gamesMax).safeParse(entries);
  return list.success ? listOf(list.data.map(fromV1)) : null;
}

function fromV1(entry: unknown): ProviderGame | null {
  const parsed = v1Game.safeParse(entry);
  if (!parsed.success) return null;
  const game = parsed.data;
  return {
    ...silentParts,
    code: game.identifier,
    title: game.title,
    category: game.category,
    provider: game.provider ?? providerOf(game.identifier),
    producer: game.producer ?? null,
    live: game.has_live ?? /\blive\b/i.test(game.category),
    platforms: (['desktop', 'mobile'] as const).filter((name) => game.devices?.includes(name)),
    hasFreeRounds: game.has_freespins ?? null,
  };
}

const listOf = (games: readonly (ProviderGame | null)[]): GameList => ({
  games: games.filter((game) => game !== null),
  unreadable: games.filter((game) => game === null).length,
});
