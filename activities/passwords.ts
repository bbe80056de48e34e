/** Passwords as argon2id: slow on purpose, the same for known and unknown accounts, with parameters stored in the hash. */
import { hash, verify } from '@node-rs/argon2';

/** 19 MiB and two passes, about 12 ms of a core (OWASP's first recommendation). */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const prefix = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$`;

export const hashPassword = (password: string): Promise<string> =>
  hash(password.normalize('NFKC'), parameters);

let strangersHash: Promise<string> | undefined;

/** True when the password fits. Without a hash (no such account) the same work is done and the answer is false. */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  strangersHash ??= hashPassword('nobody has this password');
  const fits = await verify(stored ?? (await strangersHash), password.normalize('NFKC'));
  return stored !== null && fits;
}

/** True when a hash was made with other parameters than today's and should be made anew at this sign-in. */
export const isOutdated = (stored: string): boolean => !stored.startsWith(prefix);
