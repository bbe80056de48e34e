/** A quote of the ramp as players and staff are shown it. */
import { z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { directionOf, type RampQuoteRow } from '#activities/payments/commands/ramp-quotes.ts';
import type { Database } from '#db/connect.ts';
import { toMoneyText } from '#domain/money.ts';
import { rampDirections, rampQuoteStates } from '#domain/payments/ramp.ts';
import { moneyOutput, timestamp } from '../schemas.ts';

export const quoteState = z.enum(rampQuoteStates).openapi({
  description:
    '`open`: may be accepted until `expiresAt`. `cancelled`: given up, or followed by another quote.',
});

export const rampQuoteOutput = z
  .strictObject({
    quoteId: z.uuid(),
    direction: z.enum(rampDirections),
    state: quoteState,
    pay: moneyOutput,
    receive: moneyOutput.openapi({ description: 'Rounded down to the unit that the ledger keeps.' }),
    rate: z
      .string()
      .openapi({ example: '2673/2500', description: 'Received for one paid: exact, with the spread in it.' }),
    marketRate: z.string().openapi({ example: '1.08' }),
    rateSource: z.string().openapi({ description: 'Who quoted the market’s rate.' }),
    rateQuotedAt: timestamp,
    spreadBps: z.int(),
    spread: moneyOutput.openapi({ description: 'What the market’s rate would give more.' }),
    quotedAt: timestamp,
    expiresAt: timestamp,
    closedAt: z.union([timestamp, z.null()]),
    exchangeId: z.union([z.uuid(), z.null()]).openapi({ description: 'Once accepted: of the exchange.' }),
  })
  .openapi('RampQuote');

export const staffRampQuoteOutput = z
  .strictObject({
    ...rampQuoteOutput.shape,
    playerId: z.uuid(),
    brand: z.string(),
    termsVersion: z.int(),
    rateId: z.uuid(),
  })
  .openapi('RampQuoteForStaff');

/** An open quote whose time is over is shown as expired, whether or not the sweep has come to it. */
export const readRampQuotes = (db: Database) =>
  db
    .selectFrom('payments.rampQuote')
    .selectAll()
    .select(
      sql<string>`case when state = 'open' and expires_at <= clock_timestamp() then 'expired' else state end`.as(
        'shown',
      ),
    );

type ShownQuote = RampQuoteRow & { readonly shown?: string };

export const toApiQuote = (row: ShownQuote): z.infer<typeof rampQuoteOutput> => ({
  quoteId: row.id,
  direction: directionOf(row),
  state: quoteState.parse(row.shown ?? row.state),
  pay: toMoneyText(BigInt(row.pay), row.payAsset),
  receive: toMoneyText(BigInt(row.receive), row.receiveAsset),
  rate: row.rate,
  marketRate: row.marketRate,
  rateSource: row.rateSource,
  rateQuotedAt: row.rateQuotedAt.toISOString(),
  spreadBps: row.spreadBps,
  spread: toMoneyText(BigInt(row.spread), row.receiveAsset),
  quotedAt: row.quotedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  closedAt: row.closedAt?.toISOString() ?? null,
  exchangeId: row.exchangeId,
});

export const toStaffQuote = (row: ShownQuote): z.infer<typeof staffRampQuoteOutput> => ({
  ...toApiQuote(row),
  playerId: row.playerId,
  brand: row.brand,
  termsVersion: row.termsVersion,
  rateId: row.rateId,
});
