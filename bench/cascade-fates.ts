/** What happens to each deposit of the cascade bench: cards that steer the sandbox, and what the player does. */
import type { Json } from '#sandbox/demo/http.ts';
import { callJson } from '#sandbox/demo/http.ts';

export type Psp = 'alpha' | 'beta' | 'gamma';
export const psps: readonly Psp[] = ['alpha', 'beta', 'gamma'];

/** How the player treats a challenge: the browser comes back, is closed after passing, refuses, or is left open. */
export type Challenge = 'passed' | 'passed and gone' | 'refused' | 'abandoned';

export type Fate = {
  readonly name: string;
  readonly isAmbiguous: boolean;
  /** The card's number at the PSP that is tried first; the others know it as a good one. */
  readonly number: string;
  readonly challenge: Challenge;
  /** In per mille of all deposits. */
  readonly share: number;
  /** Left out where its end is only proven by the PSP's longest processing time, a quarter of an hour. */
  readonly isSlow?: true;
  readonly only?: readonly Psp[];
};

const good = '4242424242424242';
const plain = (name: string, number: string, share: number): Fate => ({
  name,
  number,
  share,
  isAmbiguous: false,
  challenge: 'passed',
});
const ambiguous = (name: string, number: string, share: number, more: Partial<Fate> = {}): Fate => ({
  ...plain(name, number, share),
  isAmbiguous: true,
  ...more,
});
const challenged = (challenge: Challenge, share: number, more: Partial<Fate> = {}): Fate => ({
  ...plain(`challenge ${challenge}`, '4000000000003220', share),
  challenge,
  ...more,
});

/** A quarter is ambiguous; declines of every class, challenges and good cards share the rest. */
export const fates: readonly Fate[] = [
  ambiguous('timeout, charged', '4000000000770034', 40),
  // Only where the same question can prove later that nothing came.
  ambiguous('timeout, not charged', '4000000000770026', 20, { isSlow: true, only: ['alpha'] }),
  ambiguous('500, charged', '4000000000770042', 45),
  ambiguous('dropped after', '4000000000770059', 45),
  ambiguous('late success', '4000000000770067', 50),
  ambiguous('processing', '4000000000770075', 50),
  plain('declined, then charged', '4000000000770091', 20),
  plain('declined: generic', '4000000000000002', 60),
  plain('declined: technical', '4000000000000119', 50),
  plain('declined: funds', '4000000000009995', 30),
  plain('declined: expired', '4000000000000069', 20),
  plain('declined: number', '4000000000770018', 20),
  plain('declined: lost', '4000000000009987', 20),
  plain('declined: stolen', '4000000000009979', 20),
  plain('declined: risk', '4100000000000019', 20),
  { ...plain('step-up demanded', '4000002500003155', 40) },
  challenged('passed', 60),
  challenged('passed and gone', 30),
  challenged('refused', 20),
  challenged('abandoned', 20),
  plain('good card', good, 320),
];

/** Where the deposit begins: those before are left out of its tokens. */
const firstShares: readonly (readonly [Psp, number])[] = [
  ['alpha', 500],
  ['beta', 300],
  ['gamma', 200],
];

export type Planned = {
  readonly fate: Fate;
  readonly tokensOf: readonly Psp[];
  readonly amount: string;
};

/** A small generator with a seed, so that a run can be had again. */
export function createDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function plan(dice: () => number, isQuick: boolean): Planned {
  const first = pick(
    dice,
    firstShares.map(([psp, share]) => ({ psp, share })),
  ).psp;
  const possible = fates.filter(
    ({ isSlow, only }) => !(isSlow && isQuick) && (only === undefined || only.includes(first)),
  );
  return {
    fate: pick(dice, possible),
    tokensOf: psps.slice(psps.indexOf(first)),
    // Small, so that the limit of the day admits them all.
    amount: (1 + Math.floor(dice() * 200) / 100).toFixed(2),
  };
}

function pick<T extends { readonly share: number }>(dice: () => number, of: readonly T[]): T {
  let left = dice() * of.reduce((sum, { share }) => sum + share, 0);
  const chosen = of.find(({ share }) => (left -= share) < 0) ?? of.at(-1);
  if (chosen === undefined) throw new Error('There is nothing to pick from.');
  return chosen;
}

export type PspAddresses = Readonly<Record<Psp, string>>;

/** The card as each PSP knows it; the first is given the number of the fate. */
export const tokenise = (
  at: PspAddresses,
  playerId: string,
  { fate, tokensOf }: Pick<Planned, 'fate' | 'tokensOf'>,
): Promise<{ psp: Psp; token: string }[]> =>
  tokeniseAs(at, playerId, tokensOf, (index) => (index === 0 ? fate.number : good));

type Expiry = { readonly month: number; readonly year: number };

let cards = 0;

/** Every deposit is another card, else the networks' limits of retries would end the bench; the sandbox tells them by expiry. */
function nextExpiry(): Expiry {
  cards += 1;
  return { month: (cards % 12) + 1, year: 2027 + Math.floor(cards / 12) };
}

/** As `tokenise`, with the number that each PSP in turn is given. */
export const tokeniseAs = (
  at: PspAddresses,
  playerId: string,
  tokensOf: readonly Psp[],
  numberOf: (index: number) => string,
): Promise<{ psp: Psp; token: string }[]> => {
  const expiry = nextExpiry();
  return Promise.all(
    tokensOf.map(async (psp, index) => ({
      psp,
      token: await patiently(() => tokens[psp](at[psp], playerId, numberOf(index), expiry)),
    })),
  );
};

/** A browser tries again while the PSP is away. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const tokens: Readonly<
  Record<Psp, (address: string, playerId: string, number: string, expiry: Expiry) => Promise<string>>
> = {
  alpha: async (address, _playerId, number, { month, year }) => {
    const card = { number, exp_month: String(month), exp_year: String(year), cvc: '123' };
    const fields = Object.entries(card).map(([name, value]): [string, string] => [`card[${name}]`, value]);
    const answer = await fetch(`${address}/v1/payment_methods`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_bench' },
      body: new URLSearchParams([['type', 'card'], ...fields]),
      signal: AbortSignal.timeout(10_000),
    });
    const { id }: Json = await answer.json();
    return given(id);
  },
  beta: async (address, playerId, number, { month, year }) => {
    const answer = await callJson(`${address}/checkout/v71/storedPaymentMethods`, {
      headers: { 'x-api-key': 'test_bench' },
      body: {
        merchantAccount: 'PitbossSandbox',
        shopperReference: playerId,
        recurringProcessingModel: 'CardOnFile',
        paymentMethod: {
          type: 'scheme',
          number,
          expiryMonth: String(month),
          expiryYear: String(year),
          cvc: '123',
          holderName: 'A Example',
        },
      },
    });
    return given(answer.id ?? answer.storedPaymentMethodId);
  },
  gamma: async (address, _playerId, number, { month, year }) => {
    const answer = await callJson(`${address}/tokens`, {
      headers: { authorization: 'Bearer pk_test_bench' },
      body: { type: 'card', number, expiry_month: month, expiry_year: year, cvv: '123' },
    });
    return given(answer.token);
  },
};

function given(token: unknown): string {
  if (typeof token !== 'string') throw new Error('The PSP gave no token.');
  return token;
}
