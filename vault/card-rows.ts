/** The vault's own table: all SQL of this process. */
import type pg from 'pg';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { CardFacts } from './card-number.ts';
import type { Envelope } from './envelope.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { WrappedKey } from './key-management.ts';
import { Refusal } from './refusal.ts';

export type CardRow = CardFacts &
  Envelope &
  Fingerprint & { readonly token: string; readonly expiryMonth: number; readonly expiryYear: number };

const columns = `token, nonce, ciphertext, tag, wrapped_key as wrapped, key_id as "keyId", brand, bin, last4,
  expiry_month as "expiryMonth", expiry_year as "expiryYear", fingerprint, fingerprint_key_id as "fingerprintKeyId"`;

export type CardRows = ReturnType<typeof createCardRows>;

/** Methods throw a `Refusal` `database-unavailable` when the database is away. */
export function createCardRows(pool: pg.Pool) {
  const query = async (sql: string, values: readonly unknown[]): Promise<pg.QueryResult<CardRow>> => {
    try {
      return await pool.query<CardRow>(sql, [...values]);
    } catch (error) {
      if (isDatabaseUnavailable(error))
        throw new Refusal('database-unavailable', 'The database of the vault is away.', error);
      throw error;
    }
  };
  return {
    insert: async (row: CardRow): Promise<void> => {
      await query(
        `insert into card (token, nonce, ciphertext, tag, wrapped_key, key_id, brand, bin, last4, expiry_month,
           expiry_year, fingerprint, fingerprint_key_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
        [
          row.token,
          row.nonce,
          row.ciphertext,
          row.tag,
          row.wrapped,
          row.keyId,
          row.brand,
          row.bin,
          row.last4,
          row.expiryMonth,
          row.expiryYear,
          row.fingerprint,
          row.fingerprintKeyId,
        ],
      );
    },
    find: async (token: string): Promise<CardRow | null> =>
      (await query(`select ${columns} from card where token = $1`, [token])).rows[0] ?? null,
    /** True when there was such a card. */
    erase: async (token: string): Promise<boolean> =>
      (await query('delete from card where token = $1', [token])).rowCount === 1,
    /** Up to `limit` cards whose data key is wrapped by another key than `keyId`, after `after` in the order of tokens. */
    wrappedByOthers: async (keyId: string, after: string, limit: number): Promise<readonly CardRow[]> =>
      (
        await query(`select ${columns} from card where key_id <> $1 and token > $2 order by token limit $3`, [
          keyId,
          after,
          limit,
        ])
      ).rows,
    /** Only if the row is still wrapped as it was read: a second rotation at the same time changes nothing. */
    replaceKey: async (token: string, before: WrappedKey, after: WrappedKey): Promise<boolean> =>
      (
        await query('update card set wrapped_key = $3, key_id = $4 where token = $1 and wrapped_key = $2', [
          token,
          before.wrapped,
          after.wrapped,
          after.keyId,
        ])
      ).rowCount === 1,
    fingerprintedByOthers: async (keyId: string, after: string, limit: number): Promise<readonly CardRow[]> =>
      (
        await query(
          `select ${columns} from card where fingerprint_key_id <> $1 and token > $2 order by token limit $3`,
          [keyId, after, limit],
        )
      ).rows,
    replaceFingerprint: async (
      token: string,
      { fingerprint, fingerprintKeyId }: Fingerprint,
    ): Promise<void> => {
      await query('update card set fingerprint = $2, fingerprint_key_id = $3 where token = $1', [
        token,
        fingerprint,
        fingerprintKeyId,
      ]);
    },
    ping: async (): Promise<void> => {
      await query('select 1', []);
    },
  };
}
