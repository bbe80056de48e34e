/** Takes secrets and personal data out of whatever is about to be logged, however deep it lies. */

export const redacted = '[redacted]';

/** Compared without case and separators, so that `apiKey`, `api_key` and `API-Key` are one. */
const hiddenKeys = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'birthdate',
  'callersecret',
  'card',
  'cardnumber',
  'clientsecret',
  'cookie',
  'cvc',
  'cvv',
  'dateofbirth',
  'email',
  'emailaddress',
  'expiry',
  'firstname',
  'hmackey',
  'lastname',
  'mail',
  'pan',
  'passphrase',
  'password',
  'phone',
  'phonenumber',
  'privatekey',
  'refreshtoken',
  'secret',
  'sessiontoken',
  'setcookie',
  'signature',
  'token',
  'webhooksecret',
  'xauthsignature',
  'xhub88signature',
  'xrequestsign',
]);

const emailForm = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;
const bearerForm = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
const passwordInUrlForm = /(\b[a-z][a-z+]*:\/\/[^\s:/@]*):[^\s@/]+@/gi;
const cardForm = /(?<![\w-])[3-6](?:[ -]?\d){12,18}(?![\w-])/g;
const depthMax = 8;

/** A copy of `value` that is safe to log; errors become plain objects with their stack. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (depth >= depthMax) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return redactRecord(value, depth);
}

/** What every masked form has in it; most texts that are logged, ids above all, have none of it. */
const suspectForm = /[@\s]|\d(?:[ -]?\d){12}/;

/** Masks e-mail addresses, credentials and card numbers inside free text. */
export function redactText(text: string): string {
  if (!suspectForm.test(text)) return text;
  return text
    .replace(passwordInUrlForm, `$1:${redacted}@`)
    .replace(emailForm, redacted)
    .replace(bearerForm, `$1 ${redacted}`)
    .replace(cardForm, (match) => (passesLuhn(match.replaceAll(/\D/g, '')) ? redacted : match));
}

function redactRecord(record: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, item]) => [
      key,
      isHidden(key) && item !== null && item !== undefined ? redacted : redact(item, depth + 1),
    ]),
  );
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    ...redactRecord(error, depth),
    type: error.name,
    message: redactText(error.message),
    ...(error.stack ? { stack: redactText(error.stack) } : {}),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

const isHidden = (key: string): boolean => hiddenKeys.has(key.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
