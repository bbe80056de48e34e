/** The studio's six games, as an operator's game/list shows them. */
export interface Game {
  code: string;
  id: number;
  name: string;
  category: string;
  volatility: 'low' | 'medium' | 'high';
  symbols: readonly string[];
}

export const games: readonly Game[] = [
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

export const findGame = (code: string) => games.find((game) => game.code === code);

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
  freebet_support: false,
  demo_game_support: true,
});
