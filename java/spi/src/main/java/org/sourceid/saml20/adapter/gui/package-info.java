/**
 * Declarations for compiling and testing, never shipped: the rows of a configuration screen.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui;
