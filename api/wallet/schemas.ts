/** Schemas that several of the ledger's routes share. */
import { z } from '@hono/zod-openapi';
import { pools } from '#domain/wallet/chart.ts';
import { moneyOutput, timestamp } from '../schemas.ts';

/** UTC, up to microseconds, in years that the database can count with. */
export const instantInput = z.iso
  .datetime({ message: 'must be an instant in UTC such as 2026-01-31T12:00:00Z' })
  .regex(/^20\d\d-/, 'must lie between 2000 and 2099')
  .max(40)
  .openapi({ example: '2026-01-31T12:00:00Z' });

export const assetInput = z
  .string()
  .regex(/^[A-Z]{3,10}$/)
  .openapi({ example: 'EUR' });

export const poolName = z.enum(pools);

/** Instants of the ledger are shown with all that is stored of them. */
export const ledgerInstant = timestamp.openapi({
  description: 'UTC with microseconds; may be sent back as it is.',
  example: '2026-01-31T12:00:00.123456Z',
});

export const subjectInput = z
  .string()
  .regex(/^[a-z][a-z-]{0,39}:[A-Za-z0-9:._-]{1,150}$/)
  .openapi({ example: 'dispute:alpha:D-17', description: '{noun}:{id} of what it is about.' });

export const poolBalance = z
  .strictObject({
    account: poolName,
    seq: z.string().openapi({ description: 'Of the last entry before; 0 when there was none.' }),
    balance: moneyOutput,
  })
  .openapi('PoolBalance');
