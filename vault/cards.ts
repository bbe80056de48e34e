/** What can be done with a card of the vault, apart from sending it: take in, describe, open, erase, rotate. */
import { randomInt } from 'node:crypto';
import type { CardRow, CardRows } from './card-rows.ts';
import { readCard, type TypedFields } from './card-number.ts';
import type { CvcMemory, TakenCvc } from './cvc-memory.ts';
import { openNumber, rewrapKey, sealNumber } from './envelope.ts';
import { fingerprintOf, type FingerprintKey } from './fingerprint.ts';
import type { KeyManagement } from './key-management.ts';
import { Refusal } from './refusal.ts';

export type CardDescription = {
  readonly token: string;
  readonly brand: string;
  readonly bin: string;
  readonly last4: string;
  readonly expiryMonth: number;
  readonly expiryYear: number;
  readonly fingerprint: string;
  readonly fingerprintKeyId: string;
};

export type CardParts = {
  readonly rows: CardRows;
  readonly keys: KeyManagement;
  readonly cvcs: CvcMemory;
  /** The first one is used for new cards. */
  readonly fingerprintKey: FingerprintKey;
};

/** Only letters, so that a token is never taken for a card number; 26 of 52 are 148 bits. */
const tokenLetters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const tokenForm = /^vt_[a-zA-Z]{26}$/;

const newToken = (): string =>
  `vt_${Array.from({ length: 26 }, () => tokenLetters[randomInt(tokenLetters.length)]).join('')}`;

export type Cards = ReturnType<typeof createCards>;

export function createCards({ rows, keys, cvcs, fingerprintKey }: CardParts) {
  const must = async (token: string): Promise<CardRow> => {
    const row = tokenForm.test(token) ? await rows.find(token) : null;
    if (row === null) throw new Refusal('unknown-token', 'There is no card of this token.');
    return row;
  };
  return {
    /** The answer goes to our own processes: the page hands on the token alone. */
    async tokenise(fields: TypedFields): Promise<CardDescription> {
      const { number, cvc, ...facts } = readCard(fields, new Date());
      const token = newToken();
      const row = {
        token,
        ...facts,
        ...(await sealNumber(keys, number, token)),
        ...fingerprintOf(fingerprintKey, number),
      };
      await rows.insert(row);
      if (cvc !== null) cvcs.keep(token, cvc);
      return describe(row);
    },
    describe: async (token: string): Promise<CardDescription> => describe(await must(token)),
    /** The number in the clear, for an outgoing request and nothing else; the security code is forgotten by it. */
    async open(token: string): Promise<CardDescription & { number: string; code: TakenCvc | null }> {
      const row = await must(token);
      const number = await openNumber(keys, row, token);
      return { ...describe(row), number, code: cvcs.take(token) };
    },
    /** Of a request that provably never left. */
    giveBack: (token: string, code: TakenCvc): void => cvcs.giveBack(token, code),
    forgetCvc: (token: string): void => cvcs.forget(token),
    async erase(token: string): Promise<void> {
      cvcs.forget(token);
      if (!tokenForm.test(token) || !(await rows.erase(token)))
        throw new Refusal('unknown-token', 'There is no card of this token.');
    },
  };
}

const describe = (row: CardRow): CardDescription => ({
  token: row.token,
  brand: row.brand,
  bin: row.bin,
  last4: row.last4,
  expiryMonth: row.expiryMonth,
  expiryYear: row.expiryYear,
  fingerprint: row.fingerprint,
  fingerprintKeyId: row.fingerprintKeyId,
});

export type Rotation = { readonly changed: number; readonly unreadable: readonly string[] };

const pageRows = 200;

/** Wraps the data key of every card under the current key; no card number is opened for it. */
export async function rotateKeys({ rows, keys }: Pick<CardParts, 'rows' | 'keys'>): Promise<Rotation> {
  const keyId = await keys.currentKeyId();
  return eachCard(
    (after) => rows.wrappedByOthers(keyId, after, pageRows),
    async (row) => rows.replaceKey(row.token, row, await rewrapKey(keys, row, row.token)),
  );
}

/** Computes fingerprints under the current fingerprint key; this one has to open each number. */
export async function rotateFingerprints({
  rows,
  keys,
  fingerprintKey,
}: Pick<CardParts, 'rows' | 'keys' | 'fingerprintKey'>): Promise<Rotation> {
  return eachCard(
    (after) => rows.fingerprintedByOthers(fingerprintKey.id, after, pageRows),
    async (row) => {
      const number = await openNumber(keys, row, row.token);
      await rows.replaceFingerprint(row.token, fingerprintOf(fingerprintKey, number));
      return true;
    },
  );
}

/** A card that does not open is told and passed by: it must not keep the others under an old key. */
async function eachCard(
  page: (after: string) => Promise<readonly CardRow[]>,
  change: (row: CardRow) => Promise<boolean>,
): Promise<Rotation> {
  const unreadable: string[] = [];
  let changed = 0;
  for (let after = ''; ;) {
    const cards = await page(after);
    for (const row of cards) {
      try {
        if (await change(row)) changed += 1;
      } catch (error) {
        if (
          !(error instanceof Refusal) ||
          (error.code !== 'card-unreadable' && error.code !== 'keys-refused')
        )
          throw error;
        unreadable.push(row.token);
      }
    }
    const last = cards.at(-1);
    if (last === undefined) return { changed, unreadable };
    after = last.token;
  }
}
