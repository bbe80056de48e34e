/** What is kept of an attempt's 3-D Secure: what was asked, what was told, and who bears fraud. Never the cryptogram. */
import { sql } from 'kysely';
import { z } from 'zod';
import {
  gamblingMcc,
  liabilityNetworkOf,
  liabilityOf,
  liabilityRegionOf,
  liabilityTableVersion,
} from '#domain/payments/liability-shift.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import {
  defaultWish,
  strictestWish,
  type ThreeDsResult,
  type ThreeDsWish,
} from '#domain/payments/three-ds.ts';
import { threeDsWishSchema } from '#domain/payments/three-ds.schema.ts';
import type { AttemptRow } from './payment-rows.ts';

export type ThreeDsAsked = {
  readonly wish: ThreeDsWish;
  /** Of the authentication that was carried on from another PSP. */
  readonly dsTransactionId: string | null;
};

const stored = threeDsWishSchema.catch(strictestWish);

/** The wish as it was stored. Nothing stored is the default; what this build cannot read may have asked for anything. */
export const wishOf = (value: unknown): ThreeDsWish =>
  value === null || value === undefined ? defaultWish : stored.parse(value);

export const methodOf = (row: { readonly method: string }): 'card' | 'e-wallet' =>
  row.method === 'e-wallet' ? 'e-wallet' : 'card';

/** An action of the attempt was shown, whether or not it is still open. */
export const challengedOf = (row: Pick<AttemptRow, 'actionUrl'>): boolean => row.actionUrl !== null;

// The forms that the columns take; what a PSP writes otherwise is left out, and a cryptogram fits none of them.
const eci = z
  .string()
  .regex(/^\d\d$/)
  .nullable()
  .catch(null);
const uuid = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/))
  .nullable()
  .catch(null);
const version = z
  .string()
  .regex(/^\d{1,2}(\.\d{1,2}){1,2}$/)
  .nullable()
  .catch(null);
const network = z
  .string()
  .regex(/^[a-z_]{1,30}$/)
  .nullable()
  .catch(null);
const country = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .nullable()
  .catch(null);

/** Columns to set beside the state; a later answer without news of 3-D Secure leaves them as they are. */
export function threeDsColumns(outcome: PspOutcome, asked: ThreeDsAsked | null) {
  const told = 'threeDs' in outcome ? (outcome.threeDs ?? null) : null;
  const isMoney = outcome.kind === 'approved' || outcome.kind === 'authorised';
  return {
    ...(asked === null
      ? {}
      : {
          threeDsWant: asked.wish.want,
          exemptionRequested: asked.wish.exemption,
          ...(asked.dsTransactionId === null ? {} : { threeDsFrom: earlierWith(asked.dsTransactionId) }),
        }),
    ...(outcome.kind === 'action' && asked !== null ? { transStatus: 'C' } : {}),
    ...(told === null ? {} : columnsOf(told, isMoney)),
  };
}

const earlierWith = (dsTransactionId: string) =>
  sql<number>`(select max(e.number) from payments.attempt e where e.deposit_id = payments.attempt.deposit_id
    and e.number < payments.attempt.number and e.ds_transaction_id = ${dsTransactionId.toLowerCase()})`;

function columnsOf(told: ThreeDsResult, isMoney: boolean) {
  const known = {
    transStatus: told.transStatus,
    eci: eci.parse(told.eci),
    dsTransactionId: uuid.parse(told.dsTransactionId),
    threeDsVersion: version.parse(told.version),
    network: network.parse(told.network),
    issuerCountry: country.parse(told.issuerCountry),
    exemptionGranted: told.exemptionGranted,
  };
  if (!isMoney) return known;
  const row = liabilityOf({
    network: liabilityNetworkOf(known.network),
    region: liabilityRegionOf(known.issuerCountry),
    mcc: gamblingMcc,
    eci: known.eci,
    exemption: known.exemptionGranted,
    transStatus: known.transStatus,
  });
  return {
    ...known,
    liability: row.party,
    liabilityRow: row.name,
    liabilityTableVersion,
  };
}
