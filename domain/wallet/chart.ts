/** The chart of accounts: the only place where an account's name is spelled. Amounts are credit positive. */

/** A player's accounts. What we owe is positive; `receivable`, what the player owes us, is zero or negative. */
export const pools = ['cash', 'bonus', 'held', 'receivable'] as const;
export type Pool = (typeof pools)[number];

/** The house side. Its balances are sums of entries: no row of it is updated per bet. */
export type HouseAccount =
  | `psp:${string}:clearing`
  | `house:${'casino' | 'sportsbook'}:gaming`
  | 'house:bonus-cost'
  | 'house:psp-fees'
  | 'house:adjustments'
  | `suspense:${string}`;

export const clearingOf = (psp: string): HouseAccount => `psp:${psp}:clearing`;
export const casinoGaming: HouseAccount = 'house:casino:gaming';
export const bonusCost: HouseAccount = 'house:bonus-cost';
export const sportsbookGaming: HouseAccount = 'house:sportsbook:gaming';

export type AccountMeaning = {
  readonly account: string;
  readonly normalSide: 'credit' | 'debit';
  readonly belowZero: boolean;
  readonly meaning: string;
};

/** The chart as a table, for documents, the back office and the tests that hold code against it. */
export const chart: readonly AccountMeaning[] = [
  {
    account: 'player:{id}:cash',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'withdrawable money we owe',
  },
  {
    account: 'player:{id}:bonus',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'bonus money under wagering',
  },
  {
    account: 'player:{id}:held',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'reserved for a pending withdrawal',
  },
  {
    account: 'player:{id}:receivable',
    normalSide: 'debit',
    belowZero: false,
    meaning: 'owed to us after a win was taken back, so that cash never goes below zero',
  },
  { account: 'psp:{psp}:clearing', normalSide: 'debit', belowZero: true, meaning: 'owed to us by the PSP' },
  {
    account: 'house:{vertical}:gaming',
    normalSide: 'credit',
    belowZero: true,
    meaning: 'gross gaming revenue',
  },
  { account: 'house:bonus-cost', normalSide: 'debit', belowZero: false, meaning: 'bonus money given' },
  { account: 'house:psp-fees', normalSide: 'debit', belowZero: false, meaning: 'fees of PSPs' },
  {
    account: 'house:adjustments',
    normalSide: 'debit',
    belowZero: true,
    meaning: 'manual corrections under four eyes',
  },
  {
    account: 'suspense:{provider}',
    normalSide: 'credit',
    belowZero: true,
    meaning: 'unmatched; zero at day end',
  },
];

/** Full name of an entry's account, as the API and exports show it. */
export const accountName = (account: string, playerId: string | null): string =>
  playerId === null ? account : `player:${playerId}:${account}`;
