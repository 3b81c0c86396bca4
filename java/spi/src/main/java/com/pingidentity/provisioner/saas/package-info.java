/**
 * Declarations for compiling and testing, never in the connector's jar: the interfaces of a connector for the server's engine.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.saas;
