/**
 * Every fact of the platform, as one discriminated union. A type is `<module>.<noun>.<past verb>`; its payload schema
 * lives with its module. Payloads carry ids and money text, never personal data.
 */
import type { z } from 'zod';
import { affiliatesEvents } from './affiliates/events.schema.ts';
import { bonusEvents } from './bonus/events.schema.ts';
import { crmEvents } from './crm/events.schema.ts';
import { gamesEvents } from './games/events.schema.ts';
import { gamesProviderEvents } from './games/provider-events.schema.ts';
import { kycEvents } from './kyc/events.schema.ts';
import { backofficeEvents } from './backoffice/events.schema.ts';
import { pamEvents } from './pam/events.schema.ts';
import { paymentsEvents } from './payments/events.schema.ts';
import { responsibleGamblingEvents } from './responsible-gambling/events.schema.ts';
import { riskEvents } from './risk/events.schema.ts';
import { walletEvents } from './wallet/events.schema.ts';

export const payloadSchemas = {
  ...pamEvents,
  ...walletEvents,
  ...kycEvents,
  ...paymentsEvents,
  ...bonusEvents,
  ...gamesEvents,
  ...gamesProviderEvents,
  ...affiliatesEvents,
  ...crmEvents,
  ...responsibleGamblingEvents,
  ...riskEvents,
  ...backofficeEvents,
} as const;

export type EventType = keyof typeof payloadSchemas;

/** A fact that is about to be appended; id and time are added at the door. */
export type NewEvent = {
  [T in EventType]: {
    readonly type: T;
    readonly version: 1;
    readonly brand: string;
    /** Null for facts that concern no player. */
    readonly playerId: string | null;
    readonly payload: z.infer<(typeof payloadSchemas)[T]>;
  };
}[EventType];
