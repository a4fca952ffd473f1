import { expect, test } from "bun:test";
import { readRsyslogUdp } from "../../src/install/templates/rsyslog.ts";

const CASES = [
  ["", "absent"],
  ['module(load="imuxsock")', "absent"],
  ['#module(load="imudp")\n# input(type="imudp" port="514")', "absent"],
  ["#$ModLoad imudp\n#$UDPServerRun 514", "absent"],
  ['module(load="imudp")', "loaded"],
  ["$ModLoad imudp\n$UDPServerRun 5140", "loaded"],
  ['module(load="imudp" TimeRequery="2")\ninput(type="imudp" port="1514")', "loaded"],
  ["$ModLoad imudp\n$UDPServerRun 514", "listening"],
  ['module(load="imudp") # needs to be done just once\ninput(type="imudp" port="514")', "listening"],
  ['module( load="imudp" )\ninput(\n  type="imudp"\n  address="0.0.0.0" port=["1514","514"]\n)', "listening"],
] as const;

test.each(CASES)("rsyslog files that say %j have UDP %s", (text, udp) => {
  expect(readRsyslogUdp(text)).toBe(udp);
});
