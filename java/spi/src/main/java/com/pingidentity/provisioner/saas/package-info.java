/**
 * Declarations for compiling and testing, never shipped: what the server's engine knows of a connector.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.saas;
