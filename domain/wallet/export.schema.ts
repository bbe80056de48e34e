/** The files of an export of the ledger, as strangers read them: one JSON object a line, money as integer text. */
import { z } from 'zod';

const units = z.string().regex(/^(0|-?[1-9]\d{0,37})$/);
const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const count = z.string().regex(/^\d{1,19}$/);

/** A line of a journals file: the bytes of a leaf of the log. */
export const journalLineSchema = z.strictObject({
  amount: units,
  answers: z.string().optional(),
  asset: z.string(),
  brand: z.string(),
  code: z.string(),
  entries: z.array(
    z.strictObject({
      account: z.string(),
      amount: units,
      asset: z.string(),
      balanceAfter: units.optional(),
      hash: hex.optional(),
      line: count,
      playerId: z.string().optional(),
      seq: count.optional(),
    }),
  ),
  externalId: z.string(),
  fingerprint: hex,
  id: z.string(),
  integration: z.string(),
  occurredAt: z.string(),
  playerId: z.string().optional(),
  reverses: z.string().optional(),
  roundRef: z.string().optional(),
  subject: z.string().optional(),
  callId: z.string().optional(),
  details: z.string().optional(),
});
export type JournalLine = z.infer<typeof journalLineSchema>;

const poolSchema = z.strictObject({ balance: units, seq: count, head: hex });

/** A line of the wallets file: what the platform shows as balances, with the ends of the chains. */
export const walletLineSchema = z.strictObject({
  playerId: z.string(),
  asset: z.string(),
  pools: z.record(z.string(), poolSchema),
});
export type WalletLine = z.infer<typeof walletLineSchema>;

export const roundLineSchema = z.strictObject({
  integration: z.string(),
  roundRef: z.string(),
  playerId: z.string(),
  staked: units,
  won: units,
});
export type RoundLine = z.infer<typeof roundLineSchema>;

export const exportFormat = 'pitboss-ledger-export/1';

/**
 * `journals` are the leaves that the checkpoint covers, in order; `tail` what was posted after it; `hashes` the leaf
 * hashes of the log, 32 bytes each; `wallets` and `rounds` the projections at the same moment.
 */
export const manifestSchema = z.strictObject({
  format: z.literal(exportFormat),
  createdAt: z.string(),
  /** The signed note of the checkpoint. */
  checkpoint: z.string(),
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9-]+\.(ndjson|bin)$/),
      kind: z.enum(['journals', 'tail', 'hashes', 'wallets', 'rounds']),
      lines: z.int().min(0),
      bytes: z.int().min(0),
      sha256: hex,
    }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type ExportedFile = Manifest['files'][number];

/** What is signed of a manifest: its format and the SHA-256 of its bytes in hex. */
export const manifestNote = (sha256Hex: string): string => `${exportFormat}\n${sha256Hex}\n`;
