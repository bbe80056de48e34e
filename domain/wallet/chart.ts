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
  | 'house:player-fees'
  | `bank:${string}`
  | 'house:adjustments'
  | `suspense:${string}`
  | `psp:${string}:disputed`
  | `tax:${string}:payable`
  | `authority:${string}:payable`
  | 'house:fx'
  | `jackpot:${string}`
  | 'house:jackpot-cost';

export const clearingOf = (psp: string): HouseAccount => `psp:${psp}:clearing`;
export const casinoGaming: HouseAccount = 'house:casino:gaming';
export const sportsbookGaming: HouseAccount = 'house:sportsbook:gaming';
export const bonusCost: HouseAccount = 'house:bonus-cost';
export const pspFees: HouseAccount = 'house:psp-fees';
export const bankOf = (account: string): HouseAccount => `bank:${account}`;
export const playerFees: HouseAccount = 'house:player-fees';
export const adjustments: HouseAccount = 'house:adjustments';
export const fxPosition: HouseAccount = 'house:fx';
export const disputedOf = (psp: string): HouseAccount => `psp:${psp}:disputed`;

/** Where captured holds may go. */
export type HoldTarget = Extract<HouseAccount, `${'psp' | 'suspense' | 'tax'}:${string}`>;
export const taxPayableOf = (jurisdiction: string): HoldTarget => `tax:${jurisdiction}:payable`;
export const seizedFor = (jurisdiction: string): HouseAccount => `authority:${jurisdiction}:payable`;
export const suspenseOf = (party: string): HoldTarget => `suspense:${party}`;

/** Forms of the house side's accounts, for the flows. */
export const accountForms = {
  bank: /^bank:[A-Za-z0-9-]{1,40}$/,
  clearing: /^psp:[a-z0-9-]+:clearing$/,
  disputed: /^psp:[a-z0-9-]+:disputed$/,
  suspense: /^suspense:[a-z0-9-]+$/,
  taxPayable: /^tax:[A-Z]{2}(-[A-Z0-9]{1,3})?:payable$/,
  seized: /^authority:[A-Z]{2}(-[A-Z0-9]{1,3})?:payable$/,
  adjustments: /^house:adjustments$/,
  fx: /^house:fx$/,
} as const;

/** The PSP of a clearing or disputed account, null for any other account. */
export const pspOf = (account: string): string | null =>
  /^psp:([a-z0-9-]+):(?:clearing|disputed)$/.exec(account)?.[1] ?? null;
export const jackpotCost: HouseAccount = 'house:jackpot-cost';
export const jackpotOf = (pool: string): HouseAccount => `jackpot:${pool}`;

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
    meaning: 'reserved for a pending withdrawal or by a hold',
  },
  {
    account: 'player:{id}:receivable',
    normalSide: 'debit',
    belowZero: false,
    meaning:
      'owed to us after a win, a payment or a correction was taken back, so that cash stays at or above zero',
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
    account: 'bank:{account}',
    normalSide: 'debit',
    belowZero: true,
    meaning: 'what PSPs have paid to our account at a bank',
  },
  {
    account: 'house:player-fees',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'what players pay for withdrawals',
  },
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
  {
    account: 'psp:{psp}:disputed',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'taken from players by open chargebacks; goes to the PSP when lost, back to the player when won',
  },
  {
    account: 'tax:{jurisdiction}:payable',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'withheld from players and owed to a tax office',
  },
  {
    account: 'authority:{jurisdiction}:payable',
    normalSide: 'credit',
    belowZero: false,
    meaning: 'taken from players by order of a court or an authority, and owed to it',
  },
  {
    account: 'house:fx',
    normalSide: 'credit',
    belowZero: true,
    meaning: 'position in an asset from exchanges between players’ assets',
  },
  {
    account: 'jackpot:{pool}',
    normalSide: 'credit',
    belowZero: true,
    meaning: 'what a jackpot of ours has collected and not paid; below zero, what the house has to fund',
  },
  {
    account: 'house:jackpot-cost',
    normalSide: 'debit',
    belowZero: false,
    meaning: 'contributions and seeds of jackpots',
  },
];

/** Full name of an entry's account, as the API and exports show it. */
export const accountName = (account: string, playerId: string | null): string =>
  playerId === null ? account : `player:${playerId}:${account}`;
