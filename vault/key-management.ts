/** The port to whoever keeps the key-encryption key: it wraps and unwraps data keys and never hands its own key out. */

export type WrappedKey = {
  /** Names the key-encryption key and its version. */
  readonly keyId: string;
  readonly wrapped: Buffer;
};

export interface KeyManagement {
  /** What `wrap` uses now; rows of other keys are what a rotation has left to do. */
  currentKeyId(): Promise<string>;
  /** `token` is bound to the result: a wrapped key of one row does not open in another. */
  wrap(dataKey: Buffer, token: string): Promise<WrappedKey>;
  /** Throws a `Refusal`: `card-unreadable`, `keys-refused`, `keys-unavailable`. */
  unwrap(key: WrappedKey, token: string): Promise<Buffer>;
}
