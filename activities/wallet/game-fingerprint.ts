/** Fingerprints of game transactions, the same whether a provider's call or our own settlement brings them. */
import { hash } from 'node:crypto';
import { fingerprintText, type GameTransactionMeaning } from '#domain/games/fingerprint.ts';

/** Hex SHA-256 of what the transaction means. */
export const gameFingerprint = (meaning: GameTransactionMeaning): string =>
  hash('sha256', fingerprintText(meaning), 'hex');
