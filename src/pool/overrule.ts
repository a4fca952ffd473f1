import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../config/schema.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { type AdminState, adminInFile, FROM_FILE, type PoolServer } from "./server.ts";

/**
 * A server's configuration from now on, of which it takes what is new: what was set at run time stays where the file says
 * nothing new. `admin` is the state it is to have; `overruled` says, in words, what gives way.
 */
export function takeFromFile(server: PoolServer, config: ServerConfig): { admin: AdminState; overruled: string[] } {
  const { config: before, address } = server;
  const overruled: string[] = [];
  const isNew = (what: string, setTo: unknown, wasInFile: unknown, isInFile: unknown): boolean => {
    if (isDeepStrictEqual(wasInFile, isInFile)) return false;
    if (!isDeepStrictEqual(setTo, wasInFile) && !isDeepStrictEqual(setTo, isInFile))
      overruled.push(overruledBy(what, setTo, isInFile));
    return true;
  };
  if (isNew("weight", server.weight, before.weight, config.weight)) server.weight = config.weight;
  if (isNew("maxconn", server.maxconn, before.maxconn, config.maxconn)) server.maxconn = config.maxconn;
  if (address !== null && !isDeepStrictEqual(before.address, config.address)) {
    isNew("address", formatEndpoint(address), formatEndpoint(before.address), formatEndpoint(config.address));
    server.address = null;
  }
  if (!isDeepStrictEqual(before.check?.address, config.check?.address)) server.checkAt = FROM_FILE;
  const [was, is] = [adminInFile(before), adminInFile(config)];
  const admin = isNew("state", server.admin, was, is) ? is : server.admin;
  server.config = config;
  return { admin, overruled };
}

/** The sentence about one of them. */
export function overruledBy(what: string, setTo: unknown, isInFile: unknown): string {
  return `${what} ${setTo ?? "none"}, set at run time, gives way to ${isInFile ?? "none"} in the file`;
}
