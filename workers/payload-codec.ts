/** Encrypts everything that Temporal stores about a workflow, so that its histories hold nothing readable. */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec, SerializationContext } from '@temporalio/common';

const encoding = 'binary/encrypted';
const nonceBytes = 12;
const tagBytes = 16;
const derivedKeysMax = 5_000;

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
const bytes = (value: string): Uint8Array => Buffer.from(value, 'utf8');

/** Short public name of a key: tells which one sealed a payload and nothing about it. */
export const keyIdOf = (key: Buffer): string =>
  createHash('sha256').update('pitboss payload key id\n').update(key).digest('hex').slice(0, 16);

/**
 * AES-256-GCM under a key derived per workflow id. The scope travels beside the payload and is authenticated,
 * so the Temporal UI can have a payload decoded without knowing whose it is, and none can be moved to another scope.
 * `retired` keys still open old histories; new payloads are sealed by `current` alone.
 */
export class EncryptingCodec implements PayloadCodec {
  readonly #masters: ReadonlyMap<string, Buffer>;
  readonly #currentId: string;
  readonly #derived = new Map<string, Buffer>();

  constructor(current: Buffer, retired: readonly Buffer[] = []) {
    for (const key of [current, ...retired]) {
      if (key.length !== 32) throw new Error('Invariant broken: a payload key has 32 bytes');
    }
    this.#currentId = keyIdOf(current);
    this.#masters = new Map([...retired, current].map((key) => [keyIdOf(key), key]));
  }

  async encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return payloads.map((payload) => this.#seal(payload, scopeOf(context)));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) =>
      text(payload.metadata?.['encoding']) === encoding ? this.#open(payload) : payload,
    );
  }

  #seal(payload: Payload, scope: string): Payload {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(this.#currentId, scope), nonce);
    cipher.setAAD(bytes(`${this.#currentId}\n${scope}`));
    const sealed = Buffer.concat([nonce, cipher.update(frame(payload)), cipher.final(), cipher.getAuthTag()]);
    return {
      metadata: {
        encoding: bytes(encoding),
        'encryption-key-id': bytes(this.#currentId),
        'encryption-scope': bytes(scope),
      },
      data: sealed,
    };
  }

  #open(payload: Payload): Payload {
    const keyId = text(payload.metadata?.['encryption-key-id']);
    const scope = text(payload.metadata?.['encryption-scope']);
    const sealed = Buffer.from(payload.data ?? []);
    if (sealed.length < nonceBytes + tagBytes) throw new Error('A payload is too short to be one of ours.');
    const decipher = createDecipheriv(
      'aes-256-gcm',
      this.#keyOf(keyId, scope),
      sealed.subarray(0, nonceBytes),
    );
    decipher.setAAD(bytes(`${keyId}\n${scope}`));
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plain = Buffer.concat([
      decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)),
      decipher.final(),
    ]);
    return unframe(plain);
  }

  #keyOf(keyId: string, scope: string): Buffer {
    const name = `${keyId}\n${scope}`;
    const known = this.#derived.get(name);
    if (known) return known;
    const master = this.#masters.get(keyId);
    if (!master) throw new Error(`No payload key ${keyId.slice(0, 16)} is configured.`);
    const key = Buffer.from(hkdfSync('sha256', master, 'pitboss payload codec v1', scope, 32));
    if (this.#derived.size >= derivedKeysMax) this.#derived.clear();
    this.#derived.set(name, key);
    return key;
  }
}

/** Length of the metadata (4 bytes), metadata as JSON of base64 values, then the data as it is. */
function frame(payload: Payload): Buffer {
  const metadata = Object.entries(payload.metadata ?? {}).map(([name, value]) => [
    name,
    Buffer.from(value ?? []).toString('base64'),
  ]);
  const head = Buffer.from(JSON.stringify(Object.fromEntries(metadata)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, payload.data ?? Buffer.alloc(0)]);
}

function unframe(plain: Buffer): Payload {
  const headEnd = 4 + plain.readUInt32BE(0);
  const head: Record<string, string> = JSON.parse(plain.toString('utf8', 4, headEnd));
  const metadata = Object.fromEntries(
    Object.entries(head).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
  );
  return { metadata, data: plain.subarray(headEnd) };
}

/** An activity's payloads share the key of the workflow that scheduled it. */
function scopeOf(context: SerializationContext | undefined): string {
  return context?.workflowId === undefined ? 'platform' : `workflow:${context.workflowId}`;
}

/** The converter that every client and worker must share; failure messages and stacks are sealed too. */
export function createDataConverter(current: Buffer, retired: readonly Buffer[] = []): DataConverter {
  return {
    payloadCodecs: [new EncryptingCodec(current, retired)],
    failureConverterPath: failureConverterPath(),
  };
}

export const failureConverterPath = (): string =>
  fileURLToPath(new URL('./failure-converter.ts', import.meta.url));
