/** Tab, line feed and carriage return are the only control characters outside of a JSON text's strings; inside there are none. */
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
/** Bytes that are checked: a TLS or Noise handshake has a control character among its first few. */
const LOOKED_AT = 64;
/** HTTP/1 and HTTP/2 ("PRI * HTTP/2.0"), RTSP, SIP; SSH; SMTP, FTP, IMAP and Redis clients that speak first; RFB (VNC). */
const GREETING =
  /^(?:[A-Z]+ \S+ (?:HTTP|RTSP|SIP)\/|SSH-|(?:EHLO|HELO|QUIT|HELP|USER|STLS|STARTTLS)\b|\*[0-9]+\r?$|RFB )/;

/** True if the first bytes of a connection are binary, as in TLS, Stratum V2, SOCKS or RDP. */
export function isBinary(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, LOOKED_AT);
  for (let at = 0; at < end; at += 1) {
    const byte = bytes[at] ?? SPACE;
    if (byte < SPACE ? byte !== TAB && byte !== NEWLINE && byte !== RETURN : byte === DELETE) return true;
  }
  return false;
}

/** True if a line, bytes[begin…end), is the first line of another text protocol. */
export function isForeignGreeting(bytes: Uint8Array, begin: number, end: number): boolean {
  return GREETING.test(
    Buffer.from(bytes.buffer, bytes.byteOffset + begin, Math.min(end - begin, 2048)).toString('latin1'),
  );
}
