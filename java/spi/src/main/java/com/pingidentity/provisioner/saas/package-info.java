/**
 * Declarations for compiling and testing, never shipped: the interfaces of a connector for the server's engine.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.saas;
