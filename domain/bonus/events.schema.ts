/** Facts about awards. */
import { z } from 'zod';
import { moneySchema as money } from '../money.schema.ts';

export const bonusEvents = {
  'bonus.award.granted': z.strictObject({ awardId: z.uuid(), money, wagering: money, expiresAt: z.string() }),
  'bonus.award.wagered': z.strictObject({ awardId: z.uuid() }),
  'bonus.award.converted': z.strictObject({ awardId: z.uuid(), money }),
  'bonus.award.forfeited': z.strictObject({ awardId: z.uuid(), money, reason: z.string() }),
} as const;
