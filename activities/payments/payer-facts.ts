/** Who pays, as limits, lists and routing rules see it: one question, because a player waits for the answer. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import { listColours, listKinds, type ListKind } from '#domain/payments/lists.ts';

export type PayerQuestion = {
  readonly playerId: string;
  /** Null where nobody is signed in: a workflow asks. */
  readonly sessionId: string | null;
  readonly ip: string | null;
  readonly tokens: readonly string[];
  /** Further keys that lists may hold, as they are stored. */
  readonly more?: readonly { readonly kind: ListKind; readonly key: string }[];
};

const count = z.number().transform((value) => BigInt(value));

const payerFacts = z.object({
  country: z.string(),
  deviceId: z.string().nullable(),
  accountAgeUs: z.string().transform(BigInt),
  nowUs: z.string().transform(BigInt),
  /** Captured ones, counted up to 100. */
  deposits: count,
  cardBrand: z.string().nullable(),
  /** By the tokens given, those first that a PSP has told the number's name of. */
  cards: z.array(
    z.object({
      id: z.string(),
      network: z.string().nullable(),
      bin: z.string().nullable(),
      country: z.string().nullable(),
      isKnown: z.boolean(),
      /** What the imported table says of the first digits. */
      issuer: z.string().nullable(),
      issuerCountry: z.string().nullable(),
      type: z.string().nullable(),
    }),
  ),
  ipCountry: z.string().nullable(),
  tier: z.string().nullable(),
  fraudScore: z.number().transform(BigInt).nullable(),
  /** Name and date of birth as they are kept; null when there are none, or their key is destroyed. */
  sealedIdentity: z
    .object({ keyId: z.string(), wrapped: z.string(), sealed: z.string() })
    .transform(({ keyId, wrapped, sealed }) => ({
      keyId,
      wrapped: Buffer.from(wrapped, 'hex'),
      sealed: Buffer.from(sealed, 'hex'),
    }))
    .nullable(),
  listed: z.array(
    z.object({
      id: z.string(),
      list: z.enum(listColours),
      kind: z.enum(listKinds),
      skips: z.array(z.string()),
    }),
  ),
  /** Tries to pay in: of player and card in 24 hours, of device and address in one hour. */
  uses: z.object({ player: count, card: count, device: count, ip: count, ipDeclinedCards: count }),
});

export type PayerFacts = z.infer<typeof payerFacts>;

/** Null when there is no such player. */
export async function readPayer(db: Database | Trx, question: PayerQuestion): Promise<PayerFacts | null> {
  const { rows } = await sql<{ facts: unknown }>`select ${payerFactsOf(question)} as facts`.execute(db);
  return toPayerFacts(rows[0]?.facts);
}

/** The facts as a part of somebody's statement, for `toPayerFacts`. */
export const payerFactsOf = ({ playerId, sessionId, ip, tokens, more = [] }: PayerQuestion) => sql<unknown>`
  payments.facts_of_payer(${playerId}::uuid, ${sessionId}::uuid, ${addressOf(ip)}::inet, ${[...tokens]}::text[],
    ${JSON.stringify(more)}::jsonb)`;

export const toPayerFacts = (found: unknown): PayerFacts | null => payerFacts.nullable().parse(found ?? null);

/** Without the zone of a link-local address, which names an interface of ours and no client. */
const addressOf = (ip: string | null): string | null => ip?.split('%')[0] ?? null;
