/** What the routes of identity checks give, and how a row becomes that. */
import { z } from '@hono/zod-openapi';
import type { Database } from '#db/connect.ts';
import { verifiableLevels } from '#domain/kyc/levels.ts';
import { rejectReasons } from '#domain/kyc/reject-labels.ts';
import { timestamp } from '../schemas.ts';

const states = ['opened', 'pending', 'on-hold', 'approved', 'refused', 'expired'] as const;

export const verificationOutput = z
  .strictObject({
    verificationId: z.uuid(),
    level: z.enum(verifiableLevels),
    state: z.enum(states),
    attempt: z.int().openapi({ description: 'Counts up when the player may try again.' }),
    reasons: z
      .array(z.enum(rejectReasons))
      .openapi({ description: 'Why the last attempt was not accepted.' }),
    openedAt: timestamp,
    expiresAt: timestamp,
    decidedAt: timestamp.nullable(),
  })
  .openapi('Verification');

export const openedOutput = z
  .strictObject({
    verificationId: z.uuid(),
    state: z.enum(states),
    verifyUrl: z.url().nullable().openapi({
      description: "The vendor's hosted page, good for 30 minutes; repeat the request for a fresh one.",
    }),
  })
  .openapi('OpenedVerification');

/** The row as it stands on the primary. */
export const readVerification = (db: Database, id: string) =>
  db.selectFrom('kyc.verification').selectAll().where('id', '=', id).executeTakeFirst();

type Row = NonNullable<Awaited<ReturnType<typeof readVerification>>>;

const verificationFromRow = z.object({
  level: z.enum(verifiableLevels),
  state: z.enum(states),
  labels: z.array(z.enum(rejectReasons)),
});

export function toApiVerification(row: Row): z.infer<typeof verificationOutput> {
  const { level, state, labels } = verificationFromRow.parse(row);
  return {
    verificationId: row.id,
    level,
    state,
    attempt: row.attempt,
    reasons: labels,
    openedAt: row.openedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    decidedAt: row.decidedAt?.toISOString() ?? null,
  };
}
