/** What a fresh platform is seeded with: two brands, their terms, one affiliate and the studio's games. */
import type { BrandConfig } from '#domain/pam/brand.schema.ts';

type SeedBrand = { readonly id: string; readonly name: string; readonly config: BrandConfig };

export const brands: readonly [SeedBrand, ...SeedBrand[]] = [
  {
    id: 'aurora',
    name: 'Aurora',
    config: {
      currencies: ['EUR', 'USD', 'GBP', 'SEK', 'NOK', 'PLN', 'CAD', 'BRL', 'INR', 'JPY', 'KWD'],
      jurisdictions: ['MT', 'GB', 'SE'],
      languages: ['en', 'sv'],
    },
  },
  {
    id: 'borealis',
    name: 'Borealis',
    config: { currencies: ['EUR', 'GBP', 'SEK'], jurisdictions: ['MT', 'SE'], languages: ['en', 'sv'] },
  },
];

/** Placeholder wording of a demonstration brand: a licensed operator publishes its own as the next version. */
export const termsOf = (brand: { readonly id: string; readonly name: string }) => ({
  brand: brand.id,
  title: `Terms and conditions of ${brand.name}`,
  body: [
    `These terms are between you and ${brand.name}, a demonstration brand. No real money is accepted.`,
    'One account per person. You must be of legal age in your jurisdiction and play for yourself.',
    'Deposits are credited after the payment is confirmed. Withdrawals are paid after your identity is verified.',
    'You set a deposit limit before your first deposit. A lower limit applies at once, a higher one after a waiting time.',
    'You can exclude yourself at any time; from that moment no bet is accepted.',
    'Bonus money is subject to wagering and expires on the date shown with the award.',
    'Complaints are answered by support and may be taken to the dispute body of your jurisdiction.',
  ].join('\n\n'),
});

export const affiliates = [
  {
    id: '7d1b1b4e-3f0c-4c6e-9b0a-5a2f0c9d4e11',
    code: 'northlights',
    name: 'Northern Lights Media',
    brand: 'aurora',
  },
] as const;

/** The demonstration studio's list of games; table games count less toward wagering than slots. */
export const studioGames = [
  { code: 'pbs_dragonvault', title: 'Dragon Vault', category: 'Video Slots' },
  { code: 'pbs_luckyorchard', title: 'Lucky Orchard', category: 'Video Slots' },
  { code: 'pbs_pharaohspins', title: 'Pharaoh Spins', category: 'Video Slots' },
  { code: 'pbs_neonroulette', title: 'Neon Roulette', category: 'Roulette', wageringContributionBps: 1_000 },
  {
    code: 'pbs_wheeloffortuna',
    title: 'Wheel of Fortuna',
    category: 'Wheel of Fortune',
    wageringContributionBps: 5_000,
  },
  {
    code: 'pbs_harbourcrash',
    title: 'Harbour Crash',
    category: 'Crash Games',
    wageringContributionBps: 5_000,
  },
] as const;
