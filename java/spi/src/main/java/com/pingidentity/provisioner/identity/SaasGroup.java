package com.pingidentity.provisioner.identity;

/** A group of the engine. Declared because it is in signatures; connectors do not use it. */
public class SaasGroup {
}
