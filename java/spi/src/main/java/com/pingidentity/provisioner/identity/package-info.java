/**
 * Declarations for compiling and testing, never shipped: engine types that appear in signatures only.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.identity;
