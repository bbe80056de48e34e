/** How holds look on the wire. */
import { z } from '@hono/zod-openapi';
import type { HoldRow } from '#activities/wallet/holds.ts';
import { toMoneyText } from '#domain/money.ts';
import { holdReasons, holdStates } from '#domain/wallet/holds.ts';
import { idPageQuery } from '../payments/payment-schemas.ts';
import { moneyInput, moneyOutput, timestamp } from '../schemas.ts';
import { instantInput, subjectInput } from './schemas.ts';

export const holdOutput = z
  .strictObject({
    id: z.uuid(),
    playerId: z.uuid(),
    brand: z.string(),
    state: z.enum(holdStates),
    money: moneyOutput,
    captured: moneyOutput,
    released: moneyOutput,
    rest: moneyOutput.openapi({ description: 'Still held.' }),
    reason: z.string(),
    subject: z.string().nullable(),
    note: z.string(),
    captureTo: z.string().openapi({ description: 'The account that captures go to.' }),
    placedBy: z.string(),
    placedAt: timestamp,
    expiresAt: timestamp,
    closedAt: timestamp.nullable(),
  })
  .openapi('Hold');

export const holdWithCaptures = z
  .strictObject({
    ...holdOutput.shape,
    captures: z.array(
      z
        .strictObject({
          id: z.uuid(),
          money: moneyOutput,
          capturedBy: z.string(),
          journalId: z.uuid(),
          capturedAt: timestamp,
        })
        .openapi('HoldCaptured'),
    ),
  })
  .openapi('HoldWithCaptures');

export const holdInput = z
  .strictObject({
    playerId: z.uuid(),
    money: moneyInput,
    reason: z.enum(holdReasons),
    subject: subjectInput.optional(),
    note: z.string().trim().min(10).max(500).openapi({ description: 'Kept in the audit trail.' }),
    expiresAt: instantInput.openapi({
      description: 'Within 366 days. What is still held then goes back to the player.',
    }),
  })
  .openapi('HoldRequest');

export const holdQuery = idPageQuery.extend({
  playerId: z.uuid().optional(),
  state: z.enum(holdStates).optional(),
});

const stateOf = z.enum(holdStates);

export function toApiHold(row: Omit<HoldRow, 'isPast'>): z.infer<typeof holdOutput> {
  const money = (units: bigint) => toMoneyText(units, row.asset);
  const [amount, captured, released] = [BigInt(row.amount), BigInt(row.captured), BigInt(row.released)];
  return {
    id: row.id,
    playerId: row.playerId,
    brand: row.brand,
    state: stateOf.parse(row.state),
    money: money(amount),
    captured: money(captured),
    released: money(released),
    rest: money(amount - captured - released),
    reason: row.reason,
    subject: row.subject,
    note: row.note,
    captureTo: row.captureTo,
    placedBy: row.placedBy,
    placedAt: row.placedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    closedAt: row.closedAt?.toISOString() ?? null,
  };
}
