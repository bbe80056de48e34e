/** Rates as they are asked for and shown, in force or proposed. */
import { z } from '@hono/zod-openapi';
import type { RateRow } from '#activities/wallet/rates.ts';
import { timestamp } from '../schemas.ts';
import { assetInput, instantInput } from './schemas.ts';

const rateText = z
  .string()
  .max(80)
  .regex(/^(\d{1,20}(\.\d{1,18})?|\d{1,38}\/\d{1,38})$/, 'must be a decimal or a fraction')
  .openapi({
    example: '1.0825',
    description:
      'Whole units bought for one whole unit sold: an exact decimal or a fraction such as 433/400.',
  });

export const reasonInput = z
  .string()
  .trim()
  .min(3)
  .max(500)
  .openapi({ description: 'Kept in the audit trail.' });

export const rateInput = z
  .strictObject({
    soldAsset: assetInput,
    boughtAsset: assetInput.openapi({ example: 'USD' }),
    rate: rateText,
    source: z.string().trim().min(1).max(100).openapi({ description: 'Who quoted it.' }),
    quotedAt: instantInput,
    expiresAt: instantInput.openapi({ example: '2026-01-31T12:05:00Z' }),
    reason: reasonInput,
  })
  .openapi('RateInput');

export const rateOutput = z
  .strictObject({
    id: z.uuid(),
    soldAsset: z.string(),
    boughtAsset: z.string(),
    rate: z.string(),
    source: z.string(),
    quotedAt: timestamp,
    expiresAt: timestamp,
  })
  .openapi('Rate');

export const toApiRate = (
  row: Pick<RateRow, 'id' | 'soldAsset' | 'boughtAsset' | 'rate' | 'source' | 'quotedAt' | 'expiresAt'>,
): z.infer<typeof rateOutput> => ({
  id: row.id,
  soldAsset: row.soldAsset,
  boughtAsset: row.boughtAsset,
  rate: row.rate,
  source: row.source,
  quotedAt: row.quotedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});
