/** Fingerprints of game transactions, the same whether a provider's call or our own settlement brings them. */
import { createHash } from 'node:crypto';
import { fingerprintText, type GameTransactionMeaning } from '#domain/games/fingerprint.ts';

/** Hex SHA-256 of what the transaction means. */
export const gameFingerprint = (meaning: GameTransactionMeaning): string =>
  createHash('sha256').update(fingerprintText(meaning)).digest('hex');
