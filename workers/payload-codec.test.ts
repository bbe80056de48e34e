import { randomBytes } from 'node:crypto';
import {
  ApplicationFailure,
  defaultPayloadConverter,
  toPayloads,
  type SerializationContext,
} from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { EncryptingCodec } from './payload-codec.ts';
import { failureConverter } from './failure-converter.ts';

const key = randomBytes(32);
const codec = new EncryptingCodec(key);
const of = (workflowId: string): SerializationContext => ({
  type: 'workflow',
  namespace: 'pitboss',
  workflowId,
});
const plain = () => toPayloads(defaultPayloadConverter, { depositId: 'd-1', note: 'readable' }) ?? [];
const read = (
  payload: { data?: Uint8Array | null; metadata?: Record<string, Uint8Array> | null } | undefined,
) =>
  Buffer.concat([
    Buffer.from(payload?.data ?? []),
    ...Object.values(payload?.metadata ?? {}).map((part) => Buffer.from(part)),
  ]).toString();

describe('the payload codec', () => {
  test('gives back what it sealed, without being told whose it is', async () => {
    const sealed = await codec.encode(plain(), of('deposit:1'));
    expect(read(sealed[0])).not.toContain('readable');
    const [opened] = await codec.decode(sealed);
    expect(opened && defaultPayloadConverter.fromPayload(opened)).toEqual({
      depositId: 'd-1',
      note: 'readable',
    });
  });

  test('seals an activity’s payload under its workflow’s key', async () => {
    const context: SerializationContext = {
      type: 'activity',
      namespace: 'pitboss',
      workflowId: 'deposit:1',
      isLocal: false,
    };
    const [sealed] = await codec.encode(plain(), context);
    expect(Buffer.from(sealed?.metadata?.['encryption-scope'] ?? []).toString()).toBe('workflow:deposit:1');
  });

  test('refuses a payload that was moved to another workflow, altered, cut or sealed by a stranger', async () => {
    const [sealed] = await codec.encode(plain(), of('deposit:1'));
    if (!sealed) throw new Error('nothing sealed');
    const moved = {
      ...sealed,
      metadata: { ...sealed.metadata, 'encryption-scope': Buffer.from('workflow:deposit:2') },
    };
    const altered = {
      ...sealed,
      data: Buffer.from(sealed.data ?? []).map((byte, index) => (index === 20 ? byte ^ 1 : byte)),
    };
    const cut = { ...sealed, data: Buffer.alloc(10) };
    for (const payload of [moved, altered, cut]) await expect(codec.decode([payload])).rejects.toThrow();
    await expect(new EncryptingCodec(randomBytes(32)).decode([sealed])).rejects.toThrow('No payload key');
  });

  test('opens old histories with a retired key and lets plain payloads pass', async () => {
    const sealed = await codec.encode(plain());
    const rotated = new EncryptingCodec(randomBytes(32), [key]);
    expect(await rotated.decode(sealed)).toEqual(await codec.decode(sealed));
    expect(await codec.decode(plain())).toEqual(plain());
  });

  test('seals the message and stack of a failure, too', async () => {
    const failure = failureConverter.errorToFailure(
      ApplicationFailure.nonRetryable('card 4242 refused', 'some-code'),
      defaultPayloadConverter,
    );
    expect(JSON.stringify({ message: failure.message, stack: failure.stackTrace })).not.toContain('4242');
    const [sealed] = await codec.encode([failure.encodedAttributes ?? {}], of('deposit:1'));
    expect(read(sealed)).not.toContain('4242');
  });
});
