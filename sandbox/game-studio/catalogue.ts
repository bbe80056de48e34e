/** The studio's six games, as each dialect's list of games shows them. */
import type { DialectName } from './wallet-wire.ts';

export interface Game {
  code: string;
  id: number;
  name: string;
  category: string;
  volatility: 'low' | 'medium' | 'high';
  symbols: readonly string[];
}

export const games: readonly [Game, ...Game[]] = [
  {
    code: 'pbs_dragonvault',
    id: 9001,
    name: 'Dragon Vault',
    category: 'Video Slots',
    volatility: 'high',
    symbols: ['🐉', '💎', '🪙', '🗝️', '🔥'],
  },
  {
    code: 'pbs_luckyorchard',
    id: 9002,
    name: 'Lucky Orchard',
    category: 'Video Slots',
    volatility: 'low',
    symbols: ['🍒', '🍋', '🍊', '🍇', '⭐'],
  },
  {
    code: 'pbs_pharaohspins',
    id: 9003,
    name: 'Pharaoh Spins',
    category: 'Video Slots',
    volatility: 'medium',
    symbols: ['🐪', '🏺', '👁️', '🪲', '☀️'],
  },
  {
    code: 'pbs_neonroulette',
    id: 9004,
    name: 'Neon Roulette',
    category: 'Roulette',
    volatility: 'medium',
    symbols: ['🔴', '⚫', '🟢', '🔵', '🟣'],
  },
  {
    code: 'pbs_wheeloffortuna',
    id: 9005,
    name: 'Wheel of Fortuna',
    category: 'Wheel of Fortune',
    volatility: 'medium',
    symbols: ['🎡', '🎁', '🎈', '🎊', '🏆'],
  },
  {
    code: 'pbs_harbourcrash',
    id: 9006,
    name: 'Harbour Crash',
    category: 'Crash Games',
    volatility: 'high',
    symbols: ['⚓', '🚤', '🌊', '🦀', '🗼'],
  },
];

/** The a8r dialects name a game by its provider and itself: `pbs:dragonvault`. */
const a8rCode = (code: string) => code.replace('_', ':');

export const codeIn = (dialect: DialectName, { code }: Game) =>
  dialect.startsWith('a8r') ? a8rCode(code) : code;

/** By any dialect's code, or by the number that Hub88's older calls use. */
export const findGame = (code: string) =>
  games.find((game) => game.code === code || a8rCode(game.code) === code || String(game.id) === code);

const a8rCategories: Readonly<Record<string, string>> = {
  'Video Slots': 'slots',
  Roulette: 'roulette',
  'Wheel of Fortune': 'casual',
  'Crash Games': 'crash',
};
const a8rCategoryOf = (game: Game) => a8rCategories[game.category] ?? 'casual';

export const listedGame = (game: Game, publicUrl: string) => ({
  game_code: game.code,
  game_id: game.id,
  name: game.name,
  product: 'Pitboss Sandbox Studio',
  category: game.category,
  enabled: true,
  platforms: ['GPL_DESKTOP', 'GPL_MOBILE'],
  blocked_countries: ['US'],
  volatility: game.volatility,
  rtp: '95.00',
  url_thumb: `${publicUrl}/art/${game.code}.svg`,
  url_background: `${publicUrl}/art/${game.code}.svg`,
  freebet_support: true,
  demo_game_support: true,
});

const producer = 'Pitboss Sandbox Studio';

/** As `casino_a8r.Game/List` answers. */
export const a8rProviders = (publicUrl: string) => [
  {
    name: 'pbs',
    image_assets: { base_url: `${publicUrl}/art` },
    games: games.map((game) => ({
      id: a8rCode(game.code),
      title: game.name,
      provider: 'pbs',
      producer,
      category: a8rCategoryOf(game),
      live: false,
      images: [`${game.code}.svg`],
      released_at: '2025-01-01T00:00:00Z',
      recalled_at: null,
    })),
  },
];

/** The list that a8r v1 hands out: plain words and numbers, so that it needs no writer of YAML. */
export const a8rCatalogueYaml = () =>
  games
    .map((game) =>
      [
        `- title: "${game.name}"`,
        `  identifier: "${a8rCode(game.code)}"`,
        `  identifier2: "${game.code}"`,
        '  provider: pbs',
        `  producer: "${producer}"`,
        `  category: ${a8rCategoryOf(game)}`,
        '  has_freespins: true',
        '  feature_group: basic',
        '  devices: [desktop, mobile]',
        '  payout: 95',
      ].join('\n'),
    )
    .join('\n') + '\n';
