/** Everything that activities may depend on; each factory takes a `Pick` of it, and the worker wires it once. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { Transporter } from 'nodemailer';
import type { Logger } from 'pino';
import type { Database } from '#db/connect.ts';
import type { KeyRing } from './pam/key-ring.ts';
import type { PspConnectors } from './payments/connectors.ts';
import type { PspBreakers } from './payments/psp-breakers.ts';
import type { Evm } from './payments/evm/evm-deps.ts';
import type { Bank } from './payments/sepa/bank-client.ts';
import type { KycVendor } from './kyc/vendor.ts';
import type { GameProviders } from './games/providers.ts';

export type ActivityDeps = {
  readonly db: Database;
  readonly log: Logger;
  readonly keyRing: KeyRing;
  readonly psps: PspConnectors;
  readonly breakers: PspBreakers;
  /** Null where no bank is configured. */
  readonly bank: Bank | null;
  /** Null where no chain is configured. */
  readonly evm: Evm | null;
  readonly kycVendor: KycVendor;
  readonly gameProviders: GameProviders;
  readonly mailer: { readonly transport: Transporter; readonly from: string };
  readonly clickhouse: ClickHouseClient;
  /** Where links in messages point to. */
  readonly publicUrl: string;
};
