/** Where multicast adverts go over IPv4: 224.0.0.18 (RFC 9568 §5.1.1.2). */
export const GROUP_IPV4: Uint8Array = Uint8Array.of(224, 0, 0, 18);

/** Where multicast adverts go over IPv6: ff02::12 (RFC 9568 §5.1.2.2). */
export const GROUP_IPV6: Uint8Array = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12);
