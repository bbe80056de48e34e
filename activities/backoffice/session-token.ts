/** Tokens of staff sessions: 256 random bits, shown once, kept as SHA-256 with the realm's own prefix. */
import { createHash, randomBytes } from 'node:crypto';

export const createOperatorToken = (): string => randomBytes(32).toString('base64url');

/** The prefix makes a staff token hash to another value than a player's, so the realms cannot meet by accident. */
export const hashOperatorToken = (token: string): Buffer =>
  createHash('sha256').update(`backoffice\n${token}`, 'utf8').digest();
