import { describe, expect, it } from 'vitest';
import { RECEIVE_BYTES_MAX, receiveBufferAdvice } from '#front/net/listen/receive-buffer';

describe('the advice on receive buffers', () => {
  it('names the command that makes them small enough', () => {
    expect(receiveBufferAdvice(() => '4096\t131072\t6291456\n')).toMatch(
      /sysctl -w net\.ipv4\.tcp_rmem="4096 131072 262144"$/,
    );
    expect(receiveBufferAdvice(() => '4096 1048576 6291456')).toMatch(/"4096 262144 262144"$/);
  });

  it.each(['', 'x y z', `4096 65536 ${RECEIVE_BYTES_MAX}`, '4096 65536'])('is none for %j', (text) => {
    expect(receiveBufferAdvice(() => text)).toBeUndefined();
  });

  it('is none on a system that has no such file', () => {
    expect(
      receiveBufferAdvice(() => {
        throw new Error('ENOENT');
      }),
    ).toBeUndefined();
  });
});
