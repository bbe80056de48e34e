/** Tokens of sessions and links: 256 random bits, shown once, kept as SHA-256. Shared by the realms of players and staff. */
import { createHash, randomBytes } from 'node:crypto';

export const createToken = (): string => randomBytes(32).toString('base64url');

/** The shape of a token; anything else need not reach the database. */
export const isTokenForm = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text);

/** What is stored and looked up. A fast hash is enough, because the token cannot be guessed. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest();

/** The prefix makes a staff token hash to another value than a player's, so the realms cannot meet by accident. */
export const hashOperatorToken = (token: string): Buffer =>
  createHash('sha256').update(`backoffice\n${token}`, 'utf8').digest();
