/**
 * Declarations for compiling and testing, never shipped: the checks that the console brings along.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui.validation.impl;
