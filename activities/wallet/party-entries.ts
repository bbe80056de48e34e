/** Entries of accounts that are asked for by name: of PSPs, banks, pools and suspense. */
import { sql } from 'kysely';

/** Whether the entry `e` is one: the condition of the index `entry_by_party`, which serves only those who ask in these words. */
export const isOfParty = sql`e.player_id is null and e.account not like 'house:%'`;
